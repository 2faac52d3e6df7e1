import TernEngine
import TernPlanning
import TernTesting
import Testing

/// Checkpoints that are quantized already, cut by ranks: every logprob of the vocabulary comes with
/// each token, so that equal answers mean equal logits, bit for bit.
@Suite("The same bits of saved whole numbers under every topology", .serialized)
struct SavedQuantizationBitsTests {
    private func answer(
        _ folder: String, _ topology: Topology, _ policy: ShiftPolicy
    ) throws -> Answer {
        let engine = try Engine.tiny(folder: folder) {
            $0.loadFormat = .auto
            $0.dtype = nil
            $0.requiresTokenizer = false
            $0.maxModelLength = 64
            $0.topology = topology
            $0.shift = .given(policy)
        }
        var parameters = engine.greedy(5)
        parameters.logprobs = 64
        let answer = try engine.answer(
            GenerationRequest(prompt: tokens(20, below: 64), parameters: parameters))
        try engine.stop()
        return answer
    }

    @Test(
        "Ranks that cut a quantized checkpoint give the bits of one, in both modes and across a switch",
        arguments: WrittenScheme.allCases, [32, 128, nil])
    func sameBits(scheme: WrittenScheme, group: Int?) throws {
        guard scheme.isQuantized, scheme.isFourBits || group == 32 else { return }
        let folder = try TemporaryFolder()
        try QuantizedCheckpoint.write(scheme, group: group, to: folder)
        let expected = try answer(folder.path, Topology(), ShiftPolicy(.pinned(.tensor)))
        #expect(expected.tokens.count == 5)
        for topology in [
            Topology(tensor: 2), Topology(sequence: 2), Topology(sequence: 2, tensor: 2),
            Topology(tensor: 4),
        ] {
            for policy: ShiftPolicy in [
                ShiftPolicy(.pinned(.sequence)), ShiftPolicy(.pinned(.tensor)),
                ShiftPolicy(.threshold(8)),
            ] {
                let isSame = try answer(folder.path, topology, policy) == expected
                #expect(isSame, "\(topology) \(policy)")
            }
        }
    }
}
