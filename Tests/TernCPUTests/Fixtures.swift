// What all tests of the CPU backend share: one backend per instruction set, seeded operands, and
// outputs as bits.

import TernCPU
import TernTensor
import Testing

/// A backend for each instruction set of this machine. Where it rounds, it adds in an order that
/// need not be the machine's.
func everyBackend(
    threads: Int = 2, precision: ProductPrecision = .highest, order: SumOrder = .pairs
) throws -> [CPUBackend] {
    try KernelSet.available.map {
        try backend($0.name, threads: threads, precision: precision, order: order)
    }
}

/// An unpinned backend, as tests run beside each other.
func backend(
    _ kernels: String, threads: Int, precision: ProductPrecision = .highest,
    order: SumOrder = .pairs
) throws -> CPUBackend {
    try CPUBackend(
        processors: Array(0..<threads), pins: false, kernels: kernels, precision: precision,
        sumOrder: order)
}

/// Normally distributed values of deviation one.
func random(_ shape: Shape, seed: UInt64, dtype: DType = .float32) throws -> Tensor {
    let tensor = try Tensor(zeros: shape, dtype: dtype)
    ReferenceBackend().fillRandom(tensor, seed: seed, scale: 1)
    return tensor
}

/// A dense tensor of indices.
func indices(_ values: [Int]) throws -> Tensor {
    let tensor = try Tensor(zeros: [values.count], dtype: .int32)
    tensor.withElements(of: Int32.self) { elements in
        for (index, value) in values.enumerated() { elements[index] = Int32(value) }
    }
    return tensor
}

/// A weight of random values, laid out in blocks of rows and cut into parts of its inputs.
func randomWeight(
    blocks: [Int], parts: [Int], dtype: DType, seed: UInt64
) throws -> PackedWeight {
    let weight = try PackedWeight(
        layout: PanelLayout(blocks: blocks), inputParts: parts, dtype: dtype)
    let rows = blocks.reduce(0, +)
    let source = try random([max(rows, 1), max(weight.storedInputs, 1)], seed: seed)
    var row = 0
    var jobs: [PackJob] = []
    for (block, count) in blocks.enumerated() {
        jobs.append(
            PackJob(
                source: source.storage, byteOffset: row * weight.storedInputs * 4,
                rowStride: weight.storedInputs, dtype: .float32, block: block))
        row += count
    }
    ReferenceBackend().pack(jobs, into: weight)
    return weight
}

/// All bytes of a piece of memory.
func contents(_ storage: Storage) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: storage.base, count: storage.bytes))
}

/// The bits of float32 numbers. No collection: where two of those differ in most of their elements,
/// a test's report of what differs takes minutes.
struct Bits: Hashable, Sequence, CustomStringConvertible {
    private let words: [UInt32]

    init(_ words: some Sequence<UInt32>) { self.words = Array(words) }

    var count: Int { words.count }

    var description: String {
        let first = words.prefix(4).map { "\(Float(bitPattern: $0))" }.joined(separator: ", ")
        return "\(count) numbers: \(first), ..."
    }

    func makeIterator() -> IndexingIterator<[UInt32]> { words.makeIterator() }

    subscript(index: Int) -> UInt32 { words[index] }

    subscript(range: some RangeExpression<Int>) -> Bits { Bits(words[range]) }

    static func + (first: Bits, second: Bits) -> Bits { Bits(first.words + second.words) }
}

/// The bits of a dense float32 tensor.
func bits(_ tensor: Tensor) -> Bits {
    tensor.withElements(of: Float.self) { Bits($0.lazy.map(\.bitPattern)) }
}

/// The values of a dense float32 tensor.
func values(_ tensor: Tensor) -> [Float] {
    tensor.withElements(of: Float.self) { Array($0) }
}

/// The largest difference between two tensors.
func distance(_ first: Tensor, _ second: Tensor) -> Float { distance(bits(first), bits(second)) }

/// The largest difference between floats that are given as bits; infinite where one is no number.
func distance(_ first: some Sequence<UInt32>, _ second: some Sequence<UInt32>) -> Float {
    zip(first, second).map { abs(Float(bitPattern: $0) - Float(bitPattern: $1)) }
        .reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}

/// The product of a backend.
func product(
    _ backend: any Backend, _ input: Tensor, _ weight: PackedWeight, bias: Tensor? = nil
) throws -> Tensor {
    let output = try Tensor(zeros: [input.shape[0], weight.outputs])
    backend.linear(input, weight, bias: bias, into: output)
    return output
}
