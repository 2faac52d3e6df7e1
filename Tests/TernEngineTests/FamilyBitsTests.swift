// The families whose layers differ from Llama's (windows, sinks, soft caps, latent attention, shared
// experts), with tiny random weights, under topologies of every kind: whatever the mode, tokens and
// logprobs are those of one rank. What transformers answers is GoldenModelTests' business.

import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("Families in every mode", .serialized)
struct FamilyBitsTests {
    private static let dense = [
        Topology(sequence: 2), Topology(tensor: 2), Topology(sequence: 2, tensor: 2),
        Topology(sequence: 4), Topology(pipeline: 2, sequence: 2),
    ]

    private static let sparse =
        dense
        + ExpertGroup.allCases.flatMap { group in
            [
                Topology(sequence: 2, tensor: 2, expertGroup: group),
                Topology(data: 2, sequence: 2, expertGroup: group),
            ]
        }

    private static let policies: [ShiftPolicy] = [
        ShiftPolicy(.pinned(.sequence)), ShiftPolicy(.pinned(.tensor)), ShiftPolicy(.threshold(7)),
    ]

    /// Answers to prompts longer and shorter than any window, in chunks.
    private static func answers(
        _ family: String, _ topology: Topology, _ policy: ShiftPolicy
    ) throws -> [[Answer]] {
        let engine = try Engine.tiny(folder: Fixture.families + "/" + family) {
            $0.loadFormat = .auto
            $0.requiresTokenizer = false
            $0.maxModelLength = 96
            $0.maxBatchedTokens = 24
            $0.topology = topology
            $0.shift = .given(policy)
        }
        let requests = [3, 25, 60].map { length in
            var parameters = engine.greedy(6)
            parameters.logprobs = 131
            return GenerationRequest(
                prompt: tokens(length, salt: length), parameters: parameters)
        }
        let answers = try engine.answers(requests)
        try engine.stop()
        return answers
    }

    private func check(_ family: String, _ topologies: [Topology]) throws {
        let expected = try Self.answers(family, Topology(), Self.policies[1])
        for topology in topologies {
            for policy in Self.policies {
                let isSame = try Self.answers(family, topology, policy) == expected
                #expect(isSame, "\(family) \(topology) \(policy)")
            }
        }
    }

    @Test(
        "A family without experts gives the bits of one rank",
        arguments: ["llama-yarn", "mistral", "phi3", "phi3-longrope", "gemma2", "gemma3"])
    func dense(family: String) throws { try check(family, Self.dense) }

    @Test(
        "A family with experts does too, split or divided, shared with another replica or not",
        arguments: ["gpt-oss", "deepseek-v2", "deepseek-v2-lite", "deepseek-v3"])
    func sparse(family: String) throws { try check(family, Self.sparse) }

    @Test("14 query heads on 2 key-value heads give the bits of one rank on 2 ranks")
    func oddGroups() throws {
        try check(
            "qwen2-windows",
            [Topology(sequence: 2), Topology(tensor: 2), Topology(pipeline: 3, sequence: 2)])
    }

    @Test("7 query heads on one key-value head run in stages")
    func multiQuery() throws { try check("llama-mqa", [Topology(pipeline: 2)]) }
}
