import TernParallel
import TernPlanning
import TernTensor
import Testing

@testable import TernModel

@Suite("Experts among ranks", .timeLimit(.minutes(1)))
struct ExpertBytesTests {
    static let model = TinyModel(layers: 2, experts: 8)

    static let topologies: [Topology] = {
        let sizes = [
            (1, 1, 2), (1, 2, 1), (1, 2, 2), (1, 4, 2), (2, 1, 1), (2, 1, 2), (2, 2, 1), (2, 2, 2),
        ]
        let groups: [ExpertGroup?] = [nil, .dataTensor, .dataSequenceTensor]
        return sizes.flatMap { data, sequence, tensor in
            groups.map {
                Topology(data: data, sequence: sequence, tensor: tensor, expertGroup: $0)
            }
        }
    }()

    /// Tokens of each of two replicas; where there is one, it is the first.
    static let steps = [[7, 3], [2, 9], [1, 0], [0, 5], [0, 0]]

    /// The last row, if there is one.
    private static func sampled(_ tokens: Int) -> [Int] { tokens > 0 ? [tokens - 1] : [] }

    /// Both replicas' steps, each on a rank of its own: what each layer's router chose, and logits.
    private func alone(_ tokens: [Int]) throws -> (chosen: [[[Int]]], logits: [[UInt32]]) {
        let found = try ModelRanks(Self.model, Topology(data: 2)).onEveryRank { rank in
            let count = tokens[rank.replica]
            let sampled = Self.sampled(count)
            let experts = try #require(rank.buffers.experts)
            func chosen(_ rows: Int) -> [Int] {
                experts.chosen.prefix(rows).withElements(of: Int32.self) { $0.map(Int.init) }
            }
            _ = try rank.trace(.tensor, tokens: count, sampled: sampled, layers: 1)
            let first = chosen(count)
            let trace = try rank.trace(.tensor, tokens: count, sampled: sampled)
            return ([first, chosen(sampled.count)], trace.logits)
        }
        let chosen = (0..<Self.model.layers).map { layer in found.map { $0.0[layer] } }
        return (chosen, found.map(\.1))
    }

    @Test("Every rank moves the formulas' bytes and gives one rank's bits, empty replicas too")
    func formulas() throws {
        for step in Self.steps {
            let (chosen, logits) = try alone(step)
            for topology in Self.topologies {
                let ranks = try ModelRanks(Self.model, topology)
                for mode in ParallelMode.allCases {
                    let traces = try ranks.trace(
                        mode, tokens: step, sampled: step.map(Self.sampled))
                    let rows = [step.map { Array(0..<$0) }, step.map(Self.sampled)]
                    let layers = zip(rows, chosen).map {
                        ExpertFormulas(
                            model: Self.model, topology: topology, mode: mode, tokens: step,
                            rows: $0, chosen: $1)
                    }
                    for (rank, trace) in zip(topology.ranks, traces) {
                        hold(trace, of: rank, to: layers)
                    }
                    for replica in 0..<topology.dataParallelSize {
                        let output = Int(topology.outputRank(replica: replica).rawValue)
                        let isSame = traces[output].logits == logits[replica]
                        #expect(isSame, "\(step), \(topology), \(mode)")
                    }
                }
            }
        }
    }

    private func hold(_ trace: StepTrace, of rank: RankID, to layers: [ExpertFormulas]) {
        let (topology, mode) = (layers[0].topology, layers[0].mode)
        let tokens = layers[0].tokens[topology.coordinate(.data, of: rank)]
        let rest = StepFormulas(
            model: Self.model, topology: topology, mode: mode, rank: rank, tokens: tokens,
            sampled: Self.sampled(tokens))
        func sum(_ elements: (ExpertFormulas) -> Int) -> Int {
            layers.reduce(0) { $0 + elements($1) }
        }
        let bytes: [Collective: Int] = [
            .allToAll: 4
                * (layers.count * rest.ulysses + rest.logits + sum { $0.allToAll(rank) }),
            .allReduce: 4 * (rest.allReduce(isOneShot: true) + sum { $0.allReduce(rank) }),
            .allGather: 4 * (rest.sampledRows + sum { $0.allGather(rank) }),
        ]
        for kind in Collective.allCases {
            #expect(
                trace.bytes[kind] == bytes[kind, default: 0],
                "bytes of \(kind), rank \(rank) of \(topology), \(mode), \(tokens) tokens")
        }
        let dispatches = sum { $0.isDispatched(rank) ? 2 : 0 }
        let exchanges = (rest.sequenceSize > 1 ? 2 * layers.count : 0) + rest.headExchanges
        #expect(trace.calls[.allToAll] == exchanges + dispatches, "rank \(rank) of \(topology)")
    }
}
