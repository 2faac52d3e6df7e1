import TernParallel
import TernPlanning
import TernTensor
import Testing

/// A collective that reads peers' buffers.
enum ReadingCollective: CaseIterable, Sendable {
    case allReduceInOneShot, allReduceInTwo, reduceScatter, allGather, allToAll, broadcast, message
}

@Suite("Buffers of collectives", .timeLimit(.minutes(1)))
struct BufferReuseTests {
    @Test(
        "Buffers are the rank's own on return: overwriting them at once harms no peer",
        arguments: ReadingCollective.allCases)
    func reuse(collective: ReadingCollective) throws {
        let oneShotBytes = collective == .allReduceInTwo ? 0 : 1 << 30
        let found = try onEveryRank(of: 3, oneShotBytes: oneShotBytes) { communicator in
            try wrongRounds(of: collective, communicator)
        }
        #expect(found == [0, 0, 0])
    }
}

/// Runs rounds in which every element has a value of its rank and round, destroyed at once after
/// the collective; returns how many rounds brought anything but what was to be expected.
private func wrongRounds(
    of collective: ReadingCollective, _ communicator: any Communicator
) throws -> Int {
    let buffers = try Buffers(group([2, 0, 1], of: communicator.rank))
    return try (1...60).reduce(0) { wrong, round in
        fill(buffers.input, buffers.value(buffers.group.index, round))
        fill(buffers.output, -1)
        try buffers.run(collective, communicator)
        fill(buffers.input, .nan)
        let isRight = buffers.expected(collective, round).allSatisfy {
            holds(buffers.output, $0.rows, $0.value)
        }
        return wrong + (isRight ? 0 : 1)
    }
}

/// Operands of every collective among three ranks.
private struct Buffers {
    let group: RankGroup
    let part = 8
    let columns = 2048
    let rows: TokenPartition
    let input, output: Tensor

    init(_ group: RankGroup) throws {
        self.group = group
        rows = TokenPartition(tokens: part * group.size, among: group.size)
        input = try Tensor(zeros: Shape(rows.count, columns))
        output = try Tensor(zeros: Shape(rows.count, columns))
    }

    /// What the member at a place has everywhere in a round.
    func value(_ place: Int, _ round: Int) -> Float { Float(10 * round + place) }

    func run(_ collective: ReadingCollective, _ communicator: any Communicator) throws {
        switch collective {
        case .allReduceInOneShot, .allReduceInTwo:
            try communicator.allReduce(input, into: output, over: group)
        case .reduceScatter:
            try communicator.reduceScatter(
                input, into: output.prefix(part), rows: rows, over: group)
        case .allGather:
            try communicator.allGather(input.prefix(part), into: output, rows: rows, over: group)
        case .allToAll:
            let tiles = (0..<group.size).map { Tile(rows: rows[$0], columns: 0..<columns) }
            try communicator.allToAll(
                input, into: output, Exchange(sends: tiles, receives: tiles), over: group)
        case .broadcast:
            // The root's is the buffer that it destroys; what it gave it need not check.
            let isRoot = group.index == 1
            try communicator.broadcast(isRoot ? input : output, from: 1, over: group)
        case .message:
            try communicator.send(input, to: (group.index + 1) % 3, over: group)
            fill(input, .nan)
            try communicator.receive(into: output, from: (group.index + 2) % 3, over: group)
        }
    }

    func expected(
        _ collective: ReadingCollective, _ round: Int
    ) -> [(rows: Range<Int>, value: Float)] {
        let all = 0..<rows.count
        let sum = (0..<group.size).map { value($0, round) }.reduce(0, +)
        switch collective {
        case .allReduceInOneShot, .allReduceInTwo: return [(all, sum)]
        case .reduceScatter: return [(0..<part, sum)]
        case .allGather, .allToAll:
            return (0..<group.size).map { (rows[$0], value($0, round)) }
        case .broadcast: return group.index == 1 ? [] : [(all, value(1, round))]
        case .message: return [(all, value((group.index + 2) % 3, round))]
        }
    }
}

private func fill(_ tensor: Tensor, _ value: Float) {
    tensor.withElements(of: Float.self) { $0.update(repeating: value) }
}

/// Whether some columns of rows hold one value: the first, the last and some between.
private func holds(_ tensor: Tensor, _ rows: Range<Int>, _ value: Float) -> Bool {
    let columns = tensor.shape[1]
    return tensor.withElements(of: Float.self) { elements in
        rows.allSatisfy { row in
            stride(from: 0, to: columns, by: 31).allSatisfy {
                elements[row * columns + $0] == value
            } && elements[(row + 1) * columns - 1] == value
        }
    }
}
