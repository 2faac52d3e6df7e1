import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("Replicas")
struct ReplicaTests {
    @Test("Two replicas of 2 by 2 ranks answer as one rank does, and share the weights")
    func answers() throws {
        let heads = TopologyBitsTests.Heads(queries: 8, keysValues: 2)
        let folder = try heads.folder()
        func run(_ topology: Topology) throws -> (answers: [[Answer]], memory: MemoryPlan) {
            let engine = try Engine.tiny(folder: folder.path) {
                $0.topology = topology
                $0.shift = .given(ShiftPolicy(.threshold(7)))
            }
            let requests = (0..<12).map { index in
                GenerationRequest(
                    prompt: tokens(3 + 5 * index, salt: index), parameters: engine.greedy(8))
            }
            let answers = try engine.answers(requests)
            let counts = try #require(engine.metrics.scheduler)
            #expect(counts.running == 0 && counts.usedBlocks == 0)
            try engine.stop()
            return (answers, engine.memory)
        }
        let one = try run(Topology())
        let eight = try run(Topology(data: 2, sequence: 2, tensor: 2))
        let isSame = eight.answers == one.answers
        #expect(isSame)
        #expect(eight.memory.weightBytes == one.memory.weightBytes)
    }

    @Test("Weights take no more memory on 2, 4 and 8 ranks, shift or no shift")
    func weights() throws {
        let heads = TopologyBitsTests.Heads(queries: 8, keysValues: 2)
        let folder = try heads.folder()
        func bytes(_ topology: Topology, _ rule: ShiftPolicy.Rule) throws -> Int {
            let engine = try Engine.tiny(folder: folder.path) {
                $0.topology = topology
                $0.shift = .given(ShiftPolicy(rule))
            }
            try engine.stop()
            return engine.memory.weightBytes
        }
        let one = try bytes(Topology(), .pinned(.tensor))
        for ranks in [2, 4, 8] {
            for rule in [ShiftPolicy.Rule.pinned(.sequence), .threshold(7)] {
                #expect(try bytes(Topology(sequence: ranks), rule) == one)
                #expect(try bytes(Topology(tensor: ranks), rule) == one)
            }
        }
    }
}
