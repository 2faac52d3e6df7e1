// The backend of processors: checks each op's operands and hands them to a kernel, which the
// worker pool runs. The arithmetic is in CTernKernels; products are in CPUBackend+Products.swift,
// attention and its cache in CPUBackend+Attention.swift, the rest in CPUBackend+Rows.swift.

import CTernKernels
import TernTensor

/// Kernels on the threads of one rank. Bit for bit `ReferenceBackend` with the same precision and
/// order of sums, but for exponentials.
public final class CPUBackend: Backend {
    /// As `--device` and messages name it.
    public let name = "cpu"
    /// The instruction set in use.
    public let kernels: KernelSet
    /// How products take their inputs.
    public let precision: ProductPrecision
    /// How products of rounded inputs are added.
    public let sumOrder: SumOrder
    /// The threads in use.
    public let pool: WorkerPool
    /// Inputs laid side by side for products: see `linear`.
    let scratch: Storage

    /// Memory for a block of input rows of a product. Larger inputs are taken block by block.
    static let scratchBytes = 8 << 20

    /// What splits of long sequences sum up to, then a count for each divided piece of work: see
    /// `attend`.
    let splits: Storage

    /// Memory for sums of splits. Sequences that find no room are not divided.
    static let splitBytes = 8 << 20

    /// A backend on these processors; the calling thread counts as the first.
    ///
    /// With `pins` every thread stays on its processor, the caller's too. `kernels` names an
    /// instruction set other than the best, `sumOrder` another order than the machine's. Throws:
    /// `CPUBackendError`.
    public init(
        processors: [Int] = Processors.available(), pins: Bool, kernels: String? = nil,
        precision: ProductPrecision = .highest, sumOrder: SumOrder? = nil
    ) throws(CPUBackendError) {
        self.precision = precision
        self.sumOrder = sumOrder ?? KernelSet.machineOrder
        self.kernels = if let kernels { try KernelSet(named: kernels) } else { .best }
        do {
            scratch = try Storage(zeroedBytes: Self.scratchBytes)
            splits = try Storage(zeroedBytes: Self.splitBytes + 64 * 1024)
        } catch {
            throw .scratch(error)
        }
        pool = try WorkerPool(processors: processors, pins: pins)
    }

    /// The functions of `kernels`.
    var table: tern_kernels { kernels.table.pointee }

    /// Work that the caller does faster alone than with workers that may be asleep, in elements.
    static let elementsAlone = 1 << 14
}

extension Tensor {
    /// Elements of a kernel; `OpChecks` has seen that the type is right.
    var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
    /// As `floats`.
    var integers: UnsafeMutablePointer<Int32> { address.assumingMemoryBound(to: Int32.self) }
    /// Distances between rows and between heads, for kernels.
    func stride(_ dimension: Int) -> Int64 { Int64(strides[dimension]) }
}
