import TernParallel
import TernPlanning
import TernTensor
import Testing

@testable import TernModel

/// Key-value heads that several ranks share, moved by the one exchange and by the reference's two
/// collectives and reordering, as numbers.
///
/// Source: SP_AA and SP_AG of Arctic Inference.
@Suite("Ulysses: the one exchange equals the reference's two steps", .timeLimit(.minutes(1)))
struct UlyssesReplicationTests {
    struct Case: Sendable {
        let sequence, tensor, keysValues: Int

        var topology: Topology { Topology(sequence: sequence, tensor: tensor) }
        var model: TinyModel { TinyModel(queryHeads: 8, keyValueHeads: keysValues) }
    }

    static let cases = [
        Case(sequence: 8, tensor: 1, keysValues: 4), Case(sequence: 4, tensor: 2, keysValues: 4),
        Case(sequence: 4, tensor: 1, keysValues: 2), Case(sequence: 8, tensor: 1, keysValues: 2),
    ]

    /// What one rank has after either way, by token, and what it received for it.
    private struct Found: Sendable {
        let all: [[Float]]
        let twice: [[Float]]
        let bytesOnce, bytesTwice: Int
        let callsOnce, callsTwice: Int
    }

    @Test(
        "Keys and values are the same numbers in the same order, by the same bytes in one call",
        arguments: cases, [19, 11, 3])
    func equality(shape: Case, tokens: Int) throws {
        let (model, topology) = (shape.model, shape.topology)
        let found = try ModelRanks(model, topology).onEveryRank { rank in
            try move(shape, tokens, rank)
        }
        for (number, found) in found.enumerated() {
            let rank = RankID(number)
            let block = topology.group(.shift, of: rank).index
            let queries = model.queryHeads / topology.shiftSize
            let shared = block * queries / (model.queryHeads / model.keyValueHeads)
            let expected = (0..<tokens).map { token in
                Self.row(token, block * queries..<(block + 1) * queries, shared..<shared + 1, model)
            }
            #expect(found.all == expected, "rank \(rank)")
            let width = 2 * model.headDimension
            #expect(found.twice == expected.map { Array($0.suffix(width)) }, "rank \(rank)")
            let own = StepFormulas.slice(
                topology.coordinate(.sequence, of: rank), of: tokens, among: shape.sequence)
            let others = 4 * (tokens - own.count)
            #expect(found.bytesTwice == others * width, "rank \(rank)")
            #expect(
                found.bytesOnce == found.bytesTwice + others * queries * model.headDimension,
                "rank \(rank)")
            #expect(found.callsOnce == 1 && found.callsTwice == 2)
        }
    }

    /// A token's heads: every element of every head of every token is another number.
    private static func row(
        _ token: Int, _ queries: Range<Int>, _ keysValues: Range<Int>, _ model: TinyModel
    ) -> [Float] {
        let width = model.headDimension
        let first = model.queryHeads * width
        let columns =
            Array(queries.lowerBound * width..<queries.upperBound * width)
            + Array(
                first + keysValues.lowerBound * 2 * width..<first + keysValues.upperBound * 2
                    * width)
        return columns.map { Float(token * 1024 + $0) }
    }

    /// Moves one rank's heads both ways.
    private func move(_ shape: Case, _ tokens: Int, _ rank: ModelRank) throws -> Found {
        let step = rank.step(.sequence, tokens: tokens, sampled: [])
        let heads = rank.layout.heads
        let shard = step.view.tensorGroup
        let own = StepFormulas.slice(
            step.view.sequenceGroup.index, of: tokens, among: shape.sequence)
        let local = step.localHeads
        local.rows.withElements(of: Float.self) { elements in
            let values = own.flatMap {
                Self.row($0, heads.queries[shard], heads.keysValues[shard], shape.model)
            }
            for (index, value) in values.enumerated() { elements[index] = value }
        }
        let start = rank.communicator.counts
        try step.ulysses.scatterHeads(local, into: step.allHeads, by: step.communicator)
        let middle = rank.communicator.counts
        let twice = try TwoSteps(shape, tokens, rank.layout.rank).run(local, rank.communicator)
        let end = rank.communicator.counts
        func calls(_ counts: CollectiveCounts) -> Int {
            counts.calls(.allToAll) + counts.calls(.allGather)
        }
        return Found(
            all: Self.rows(step.allHeads.rows), twice: twice,
            bytesOnce: middle.totalBytes - start.totalBytes,
            bytesTwice: end.totalBytes - middle.totalBytes,
            callsOnce: calls(middle) - calls(start), callsTwice: calls(end) - calls(middle))
    }

    fileprivate static func rows(_ tensor: Tensor) -> [[Float]] {
        let columns = tensor.shape[1]
        return tensor.withElements(of: Float.self) { elements in
            (0..<tensor.shape[0]).map { Array(elements[$0 * columns..<($0 + 1) * columns]) }
        }
    }
}

/// The reference's way for one rank: an all-to-all among the ranks of one g, an all-gather among
/// those of one a, and a reordering of the chunks.
private struct TwoSteps {
    private let topology: Topology
    private let rank: RankID
    private let tokens: Int
    /// Elements of one head's keys and values.
    private let width: Int
    private let exchanging, gathering: GroupKind

    init(_ shape: UlyssesReplicationTests.Case, _ tokens: Int, _ rank: RankID) {
        topology = shape.topology
        self.rank = rank
        self.tokens = tokens
        width = 2 * shape.model.headDimension
        exchanging = .sequenceAllToAll(keyValueHeads: shape.keysValues)
        gathering = .sequenceAllGather(keyValueHeads: shape.keysValues)
    }

    /// All tokens' keys and values of the rank's head, in the order of the tokens.
    func run(_ local: HeadRows, _ communicator: any Communicator) throws -> [[Float]] {
        let exchanged = try Tensor(zeros: Shape(chunks(of: rank).count, width))
        let gathered = try Tensor(zeros: Shape(tokens, width))
        try communicator.allToAll(
            local.rows, into: exchanged, exchange(local), over: topology.group(exchanging, of: rank)
        )
        let group = topology.group(gathering, of: rank)
        try communicator.allGather(
            exchanged, into: gathered,
            rows: TokenPartition(counts: group.members.map { chunks(of: $0).count }), over: group)
        return reordered(UlyssesReplicationTests.rows(gathered))
    }

    private func own(_ rank: RankID) -> Range<Int> {
        StepFormulas.slice(
            topology.coordinate(.sequence, of: rank), of: tokens,
            among: topology.sequenceParallelSize)
    }

    /// The rows that a rank has after the all-to-all, a chunk of each member.
    private func chunks(of rank: RankID) -> TokenPartition {
        TokenPartition(
            counts: topology.group(exchanging, of: rank).members.map { own($0).count })
    }

    /// The a-th head of the shard goes to member a.
    private func exchange(_ local: HeadRows) -> Exchange {
        let first = local.rows.shape[1] - local.keysValues.shape[1] * width
        let chunks = chunks(of: rank)
        return Exchange(
            sends: (0..<chunks.slices).map {
                Tile(
                    rows: 0..<own(rank).count,
                    columns: first + $0 * width..<first + ($0 + 1) * width)
            },
            receives: (0..<chunks.slices).map { Tile(rows: chunks[$0], columns: 0..<width) })
    }

    private func reordered(_ rows: [[Float]]) -> [[Float]] {
        let senders = topology.group(gathering, of: rank).members.flatMap {
            topology.group(exchanging, of: $0).members
        }
        let partition = TokenPartition(counts: senders.map { own($0).count })
        return topology.group(.sequence, of: rank).members.flatMap { member in
            senders.firstIndex(of: member).map { Array(rows[partition[$0]]) } ?? []
        }
    }
}
