import CAllocationCounter
import TernCPU
import TernModel
import TernParallel
import TernPlanning
import TernTesting
import Testing

@testable import TernEngine

@Suite("Allocations of a rank's step")
struct StepAllocationTests {
    /// A rank of a model of so many layers, alone and on this thread.
    private func rank(layers: Int) throws -> Rank {
        let folder = try TemporaryFolder()
        let shape = #""vocab_size": 700, "hidden_size": 32, "intermediate_size": 48"#
        let heads = #""num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8"#
        let model = #""architectures": ["LlamaForCausalLM"], "num_hidden_layers": \#(layers)"#
        try folder.write("config.json", "{\(model), \(shape), \(heads)}".utf8)
        var configuration = EngineConfiguration(folder: folder.path)
        configuration.loadFormat = .dummy
        configuration.dtype = .bfloat16
        configuration.maxModelLength = 64
        configuration.maxSequences = 4
        configuration.maxBatchedTokens = 16
        let files = try ModelFiles(folder.path)
        let description = try files.configuration()
        let settled = try ModelStages(
            configuration, files, model: description, freeBytes: 1 << 28)
        let backend = try CPUBackend(processors: [0, 1], pins: false)
        let memory = settled.ranks[0]
        for fill in settled.stages[0].fills { try fill(for: [memory.layout], on: backend) }
        let world = try LocalWorld(ranks: 1, deadline: .seconds(1), spin: .zero)
        return try Rank(
            description, stage: settled.stages[0], memory: memory, backend: backend,
            communicator: LocalCommunicator(rank: 0, in: world, backend: backend), grammars: nil)
    }

    /// A decode step of four sequences that draw in different ways.
    private func plan(_ position: Int) -> StepPlan {
        StepPlan(
            number: UInt64(position),
            spans: (0..<4).map { sequence in
                let parameters = SamplingParameters(
                    temperature: sequence == 0 ? 0 : 0.9, topP: sequence == 1 ? 0.8 : 1,
                    topK: sequence == 2 ? 20 : 0, seed: 1, logprobs: sequence == 3 ? 2 : nil)
                return SequenceSpan(
                    sequence: SequenceID(rawValue: UInt64(sequence)), tokens: [5],
                    firstPosition: position, blockTable: [BlockID(rawValue: Int32(sequence))],
                    sampling: SamplingStep(
                        parameters: parameters, choice: 0, position: position,
                        forbidsStop: false))
            })
    }

    private func allocations(layers: Int) throws -> Int64 {
        let rank = try rank(layers: layers)
        for position in 0..<3 { _ = try rank.run(plan(position), layers: .max) }
        let plan = plan(3)
        let before = allocation_count()
        let result = try rank.run(plan, layers: .max)
        #expect(result?.samples.count == 4)
        return allocation_count() - before
    }

    @Test("A whole decode step, inputs and draws included, allocates no more for more layers")
    func perLayer() throws {
        // What is made once in a process is made here.
        _ = try allocations(layers: 1)
        let (few, many) = try (allocations(layers: 2), allocations(layers: 8))
        #expect(few == many)
    }
}
