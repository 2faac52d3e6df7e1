// Ranks as threads of a test: each runs one body with its own communicator, and all are joined.

import TernCPU
import TernParallel
import TernPlanning
import TernTensor
import TernTesting

/// What a rank's body ended with.
typealias Outcome<Value: Sendable> = Result<Value, any Error>

/// Runs a body on a thread per rank and returns what each ended with.
func outcomes<Value: Sendable>(
    of ranks: Int, in world: LocalWorld,
    wrapping wrap: @escaping @Sendable (LocalCommunicator) -> any Communicator = { $0 },
    _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Outcome<Value>] {
    try onThreads(ranks) { number in
        let backend = try CPUBackend(processors: [0], pins: false)
        return try body(
            wrap(LocalCommunicator(rank: RankID(number), in: world, backend: backend)))
    }
}

/// Runs a body on a thread per rank; no rank may fail.
func onEveryRank<Value: Sendable>(
    of ranks: Int, oneShotBytes: Int = LocalWorld.defaultOneShotBytes,
    _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Value] {
    let world = try world(ranks, oneShotBytes: oneShotBytes)
    return try outcomes(of: ranks, in: world, body).map { try $0.get() }
}

/// A world that is patient, and leaves the processor soon.
func world(
    _ ranks: Int, deadline: Duration = .seconds(30),
    oneShotBytes: Int = LocalWorld.defaultOneShotBytes
) throws -> LocalWorld {
    try LocalWorld(
        ranks: ranks, deadline: deadline, spin: .microseconds(5), oneShotBytes: oneShotBytes)
}

/// The orders of a group of a size that collectives are tried with.
func orders(_ size: Int) -> [[RankID]] {
    let ascending = (0..<size).map { RankID($0) }
    let half = max(1, size / 2)
    let interleaved = (0..<size).map { RankID($0 % half * 2 + $0 / half) }
    let orders = [ascending, ascending.reversed()]
    return size.isMultiple(of: 2) ? orders + [interleaved] : orders
}

/// The place of a rank in an order.
func group(_ order: [RankID], of rank: RankID) -> RankGroup {
    guard let index = order.firstIndex(of: rank) else {
        preconditionFailure("rank \(rank) of \(order)")
    }
    return RankGroup(order, index: index)
}

/// Values that only this rank has; where strided, the right part of a wider matrix.
func operand(_ rank: RankID, _ rows: Int, _ columns: Int, isStrided: Bool = false) throws -> Tensor
{
    let wide = try Tensor(zeros: Shape(rows, columns + 7))
    ReferenceBackend().fillRandom(wide, seed: UInt64(rank.rawValue) + 100, scale: 1)
    let view = wide.tile(rows: 0..<rows, columns: 7..<columns + 7)
    if isStrided { return view }
    let dense = try Tensor(zeros: Shape(rows, columns))
    ReferenceBackend().copy(view, into: dense)
    return dense
}

/// A matrix to be written; where strided, part of a wider one.
func target(_ rows: Int, _ columns: Int, isStrided: Bool = false) throws -> Tensor {
    try Tensor(zeros: Shape(rows, columns + (isStrided ? 5 : 0)))
        .tile(rows: 0..<rows, columns: 0..<columns)
}

/// The rows of a matrix as bits.
func bits(_ tensor: Tensor) throws -> [[UInt32]] {
    let dense = try Tensor(zeros: tensor.shape, dtype: tensor.dtype)
    ReferenceBackend().copy(tensor, into: dense)
    let columns = tensor.shape[1]
    return dense.withElements(of: UInt32.self) { elements in
        (0..<tensor.shape[0]).map { Array(elements[$0 * columns..<($0 + 1) * columns]) }
    }
}

/// The sum of all ranks' operands by the tree of the planning target, in a group's order.
func treeSum(_ order: [RankID], _ rows: Int, _ columns: Int) throws -> [[UInt32]] {
    let inputs = try order.map { try bits(operand($0, rows, columns)) }
    let tree = SummationTree(parts: order.count)
    return (0..<rows).map { row in
        (0..<columns).map { column in
            tree.sum(inputs.map { Float(bitPattern: $0[row][column]) }, by: +).bitPattern
        }
    }
}
