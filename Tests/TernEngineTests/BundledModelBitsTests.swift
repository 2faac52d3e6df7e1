// The bundled models, whose trained weights spread further than random ones, under topologies of
// every kind: whatever the mode, tokens and logprobs are those of one rank. What transformers
// answers is GoldenTests' business.

import TernEngine
import TernModel
import TernPlanning
import TernTensor
import TernTesting
import Testing

@Suite("The bundled models in every mode", .serialized)
struct BundledModelBitsTests {
    private static let prompts = ["What is 12 + 30?", "Tell me about", "Sing, goddess, the anger"]

    private static let policies: [ShiftPolicy] = [
        ShiftPolicy(.pinned(.sequence)), ShiftPolicy(.pinned(.tensor)), ShiftPolicy(.threshold(7)),
    ]

    private static let topologies = [
        Topology(sequence: 2), Topology(tensor: 2), Topology(sequence: 2, tensor: 2),
        Topology(pipeline: 2, sequence: 2),
    ]

    private static func answers(
        _ folder: String, _ topology: Topology, _ policy: ShiftPolicy,
        _ change: (inout EngineConfiguration) -> Void
    ) throws -> [[Answer]] {
        var configuration = EngineConfiguration(folder: folder)
        change(&configuration)
        configuration.maxModelLength = 128
        configuration.maxSequences = 4
        configuration.maxBatchedTokens = 64
        configuration.topology = topology
        configuration.shift = .given(policy)
        let engine = try Engine(configuration, on: .test)
        let requests = try prompts.map { text in
            var parameters = engine.greedy(10)
            parameters.logprobs = 20
            return GenerationRequest(
                prompt: try engine.tokenizer.encode(text).map { TokenID(rawValue: $0) },
                parameters: parameters)
        }
        let answers = try engine.answers(requests)
        try engine.stop()
        #expect(answers.allSatisfy { $0[0].logprobs.allSatisfy { $0.count >= 20 } })
        return answers
    }

    private static func check(
        _ folder: String, _ topologies: [Topology],
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws {
        let expected = try answers(folder, Topology(), policies[1], change)
        #expect(Set(expected.map { $0[0].tokens }).count == prompts.count)
        for topology in topologies {
            for policy in policies {
                let isSame = try answers(folder, topology, policy, change) == expected
                #expect(isSame, "\(topology) \(policy)")
            }
        }
    }

    @Test("telemachus gives the bits of one rank in every mode")
    func telemachus() throws { try Self.check(Fixture.telemachus, Self.topologies) }

    @Test("telemachus does too with a cache in int8")
    func bytes() throws {
        try Self.check(Fixture.telemachus, Self.topologies) { $0.cacheType = .int8 }
    }

    @Test("argus does too, its 5 layers on 3 stages, its experts split or divided")
    func argus() throws {
        let more = [Topology(pipeline: 3), Topology(pipeline: 3, sequence: 2)]
        let divided = ExpertGroup.allCases.map {
            Topology(sequence: 2, tensor: 2, expertGroup: $0)
        }
        try Self.check(Fixture.argus, Self.topologies + more + divided)
    }

    @Test(
        "Both do with weights of 8 and of 4 bits",
        arguments: [
            WeightQuantization(layers: .int8, head: .int8),
            WeightQuantization(layers: .int4(group: WeightFormat.usualGroup)),
        ])
    func quantized(quantization: WeightQuantization) throws {
        for folder in [Fixture.telemachus, Fixture.argus] {
            try Self.check(folder, [Topology(sequence: 2, tensor: 2)]) {
                $0.quantization = quantization
            }
        }
    }
}
