import TernParallel
import TernPlanning
import Testing

@Suite("Bytes of a step", .timeLimit(.minutes(1)))
struct StepBytesTests {
    /// Ranks and heads: key-value heads of their own, shared by blocks, and as many as queries.
    struct Case: Sendable {
        let sequence, tensor, queries, keysValues: Int

        var topology: Topology { Topology(sequence: sequence, tensor: tensor) }
        var model: TinyModel { TinyModel(queryHeads: queries, keyValueHeads: keysValues) }
    }

    static let cases = [
        Case(sequence: 2, tensor: 1, queries: 8, keysValues: 8),
        Case(sequence: 1, tensor: 2, queries: 8, keysValues: 2),
        Case(sequence: 2, tensor: 2, queries: 8, keysValues: 2),
        Case(sequence: 3, tensor: 1, queries: 12, keysValues: 3),
        Case(sequence: 4, tensor: 1, queries: 8, keysValues: 1),
        Case(sequence: 3, tensor: 2, queries: 12, keysValues: 12),
        Case(sequence: 4, tensor: 2, queries: 8, keysValues: 4),
        Case(sequence: 1, tensor: 8, queries: 8, keysValues: 2),
    ]

    /// Tokens, and the rows whose logits are asked for.
    static let steps = [(7, [1, 6]), (16, []), (2, [1]), (1, [0]), (0, [])]

    @Test("Every rank's counts are the formulas', in both modes and both kinds of all-reduce")
    func formulas() throws {
        for shape in Self.cases {
            for isOneShot in [true, false] {
                let ranks = try ModelRanks(
                    shape.model, shape.topology,
                    oneShotBytes: isOneShot ? LocalWorld.defaultOneShotBytes : 0)
                let found = try ranks.onEveryRank { rank in
                    try ParallelMode.allCases.map { mode in
                        try Self.steps.map {
                            try rank.trace(mode, tokens: $0.0, sampled: $0.1)
                        }
                    }
                }
                for (rank, modes) in found.enumerated() {
                    for (mode, traces) in zip(ParallelMode.allCases, modes) {
                        for (step, trace) in zip(Self.steps, traces) {
                            let formulas = StepFormulas(
                                model: shape.model, topology: shape.topology, mode: mode,
                                rank: RankID(rank), tokens: step.0, sampled: step.1)
                            hold(trace, to: formulas, isOneShot: isOneShot)
                        }
                    }
                }
            }
        }
    }

    private func hold(_ trace: StepTrace, to formulas: StepFormulas, isOneShot: Bool) {
        let layers = formulas.model.layers
        let bytes: [Collective: Int] = [
            .allToAll: 4 * (layers * formulas.ulysses + formulas.logits),
            .allReduce: 4 * 2 * formulas.allReduce(isOneShot: isOneShot),
            .allGather: 4 * formulas.sampledRows,
        ]
        let calls: [Collective: Int] = [
            .allToAll: (formulas.sequenceSize > 1 ? 2 * layers : 0) + formulas.headExchanges,
            .allReduce: formulas.allReduces,
            .allGather: formulas.headGathers,
        ]
        for kind in Collective.allCases {
            #expect(trace.bytes[kind] == bytes[kind, default: 0], "bytes of \(kind), \(formulas)")
            #expect(trace.calls[kind] == calls[kind, default: 0], "calls of \(kind), \(formulas)")
        }
    }

    @Test(
        "Rows that nobody asks for move nothing behind the last attention and change no other's bits",
        arguments: ParallelMode.allCases)
    func fewerSampled(mode: ParallelMode) throws {
        for shape in Self.cases {
            let ranks = try ModelRanks(shape.model, shape.topology)
            let all = try ranks.trace(mode, tokens: [4], sampled: [[0, 1, 2, 3]])
            let some = try ranks.trace(mode, tokens: [4], sampled: [[1, 3]])
            let vocabulary = shape.model.vocabulary
            let logits = all.map(\.logits).reduce([], +)
            let asked = [1, 3].flatMap { logits[$0 * vocabulary..<($0 + 1) * vocabulary] }
            #expect(logits.count == 4 * vocabulary)
            let isSame = some.map(\.logits).reduce([], +) == asked
            #expect(isSame, "\(shape), \(mode)")
            if shape.topology.tensorParallelSize > 1 {
                func reduced(_ traces: [StepTrace]) -> Int {
                    traces.reduce(0) { $0 + $1.bytes[.allReduce, default: 0] }
                }
                #expect(reduced(some) < reduced(all), "\(shape), \(mode)")
            }
        }
    }

    @Test("Of many tokens, every rank receives fewer bytes in sequence mode than in tensor mode")
    func sequenceModeMovesLess() throws {
        for shape in Self.cases where shape.sequence > 1 {
            for oneShotBytes in [0, LocalWorld.defaultOneShotBytes] {
                let ranks = try ModelRanks(
                    shape.model, shape.topology, oneShotBytes: oneShotBytes)
                let totals = try ranks.onEveryRank { rank in
                    try ParallelMode.allCases.map {
                        (
                            $0,
                            try rank.trace($0, tokens: ModelRanks.tokens, sampled: [63]).totalBytes
                        )
                    }
                }
                for (rank, modes) in totals.enumerated() {
                    let bytes = Dictionary(uniqueKeysWithValues: modes)
                    let (sequence, tensor) = (bytes[.sequence] ?? .max, bytes[.tensor] ?? 0)
                    #expect(sequence < tensor, "rank \(rank) of \(shape)")
                }
            }
        }
    }

    @Test("Ranks without a token give the bits of one rank", arguments: ParallelMode.allCases)
    func fewTokens(mode: ParallelMode) throws {
        for shape in Self.cases where Partition.parts.isMultiple(of: shape.topology.shiftSize) {
            for (tokens, sampled) in Self.steps {
                let alone = try ModelRanks(shape.model, Topology())
                    .trace(mode, tokens: [tokens], sampled: [sampled])
                let found = try ModelRanks(shape.model, shape.topology)
                    .trace(mode, tokens: [tokens], sampled: [sampled])
                #expect(alone[0].logits.count == sampled.count * shape.model.vocabulary)
                let isSame = found.map(\.logits).reduce([], +) == alone[0].logits
                #expect(isSame, "\(tokens) tokens, \(shape)")
            }
        }
    }
}
