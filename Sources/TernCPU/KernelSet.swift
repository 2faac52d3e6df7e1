// The compiled kernels of one instruction set, chosen when a backend is made.

import CTernKernels
import TernTensor

/// One instruction set's table of kernels. All sets give the same bits.
///
/// `@unchecked Sendable`: the table is a constant of the C target.
public struct KernelSet: @unchecked Sendable {
    /// Names of all sets, fastest first.
    public static let names = [
        "amx", "avx512bf16", "avx512vnni", "avx512", "avx2", "portable",
    ]

    let table: UnsafePointer<tern_kernels>

    /// The fastest set that this processor runs.
    public static var best: KernelSet { KernelSet(table: tern_kernels_best()) }

    /// The sets that this processor runs.
    public static var available: [KernelSet] {
        names.compactMap { tern_kernels_named($0).map(KernelSet.init(table:)) }
    }

    /// The set of a name.
    ///
    /// Throws: `CPUBackendError` where unknown, or where this processor cannot run it.
    public init(named name: String) throws(CPUBackendError) {
        guard let table = tern_kernels_named(name) else {
            throw .unknownKernels(name: name, available: Self.available.map(\.name))
        }
        self.table = table
    }

    private init(table: UnsafePointer<tern_kernels>) { self.table = table }

    /// As `init(named:)` takes it.
    public var name: String { String(cString: table.pointee.name) }
}

extension DType {
    /// The type as kernels know it.
    var kernelType: Int32 {
        switch self {
        case .float32: Int32(TERN_FLOAT32)
        case .bfloat16: Int32(TERN_BFLOAT16)
        case .float16: Int32(TERN_FLOAT16)
        case .int8: Int32(TERN_INT8)
        case .int32: preconditionFailure("kernels: found int32, expected a type of real numbers")
        }
    }
}

extension WeightFormat {
    /// The format as kernels know it.
    var kernelType: Int32 {
        switch self {
        case .plain(let dtype): dtype.kernelType
        case .int8: Int32(TERN_CHANNEL_INT8)
        case .int4: Int32(TERN_GROUPED_INT4)
        }
    }
}
