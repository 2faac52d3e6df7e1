import TernParallel
import TernPlanning
import TernTensor
import Testing

@testable import TernModel

@Suite("Experts among ranks", .timeLimit(.minutes(1)))
struct ExpertBytesTests {
    static let model = TinyModel(layers: 1, experts: 8)

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

    /// Both replicas' steps, each on a rank of its own: their routing and their logits.
    private func alone(_ tokens: [Int]) throws -> (chosen: [[Int]], logits: [[UInt32]]) {
        let found = try ModelRanks(Self.model, Topology(data: 2)).onEveryRank { rank in
            let count = tokens[rank.replica]
            let trace = try rank.trace(.tensor, tokens: count, sampled: Self.sampled(count))
            let chosen = try #require(rank.buffers.experts?.chosen)
            return (chosen.prefix(count).withElements(of: Int32.self) { $0.map(Int.init) }, trace)
        }
        return (found.map(\.0), found.map(\.1.logits))
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
                    let experts = ExpertFormulas(
                        model: Self.model, topology: topology, mode: mode, tokens: step,
                        chosen: chosen)
                    for (rank, trace) in zip(topology.ranks, traces) {
                        hold(trace, of: rank, to: experts)
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

    private func hold(_ trace: StepTrace, of rank: RankID, to experts: ExpertFormulas) {
        let topology = experts.topology
        let tokens = experts.tokens[topology.coordinate(.data, of: rank)]
        let rest = StepFormulas(
            model: Self.model, topology: topology, mode: experts.mode, rank: rank, tokens: tokens,
            sampled: Self.sampled(tokens))
        let bytes: [Collective: Int] = [
            .allToAll: 4 * (rest.ulysses + rest.logits + experts.allToAll(rank)),
            .allReduce: 4 * (rest.allReduce(isOneShot: true) + experts.allReduce(rank)),
            .allGather: 4 * (rest.sampledRows + experts.allGather(rank)),
        ]
        for kind in Collective.allCases {
            #expect(
                trace.bytes[kind] == bytes[kind, default: 0],
                "bytes of \(kind), rank \(rank) of \(topology), \(experts.mode), \(tokens) tokens")
        }
        let dispatches = experts.isDispatched(rank) ? 2 : 0
        let exchanges = (rest.sequenceSize > 1 ? 2 : 0) + rest.headExchanges + dispatches
        #expect(trace.calls[.allToAll] == exchanges, "rank \(rank) of \(topology)")
    }
}
