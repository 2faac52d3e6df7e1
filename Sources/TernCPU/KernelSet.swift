// The compiled kernels of one instruction set, chosen when a backend is made.

import CTernKernels
import TernTensor

/// One instruction set's table of kernels. All sets of one machine give the same bits; of products
/// whose inputs are rounded, those of its `machineOrder`.
///
/// `@unchecked Sendable`: the table is a constant of the C target.
public struct KernelSet: @unchecked Sendable {
    /// Names of all sets, fastest first, but that Intel's processors are faster without avx512bf16.
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

    /// How this machine adds products of rounded inputs, whichever set runs them: as tiles where it
    /// has tiles of bfloat16 (AMX).
    public static var machineOrder: SumOrder { tern_adds_as_tiles() != 0 ? .tiles : .pairs }

    private init(table: UnsafePointer<tern_kernels>) { self.table = table }

    /// As `init(named:)` takes it.
    public var name: String { String(cString: table.pointee.name) }

    /// The unit that products of many rounded inputs run on.
    func roundedLimit(_ order: SumOrder) -> MachineLimit {
        switch order {
        case .pairs: table.pointee.multiplies_pairs != 0 ? .bfloat16 : .float32
        case .tiles: table.pointee.multiplies_tiles != 0 ? .bfloat16Tiles : .float32
        }
    }
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
