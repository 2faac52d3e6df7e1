import TernPlanning
import TernTensor
import TernTesting
import Testing

@testable import TernModel

@Suite("Filling weights in shares")
struct WeightFillTests {
    private let backend = ReferenceBackend()

    private func model(experts: Int) throws -> ModelConfiguration {
        let folder = try TemporaryFolder()
        let family = experts > 0 ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM"
        let mixture =
            experts > 0
            ? #", "num_experts": \#(experts), "num_experts_per_tok": 2, "#
                + #""moe_intermediate_size": 52"# : ""
        try folder.write(
            "config.json",
            (#"{"architectures": ["\#(family)"], "num_hidden_layers": 8, "vocab_size": 131, "#
                + #""hidden_size": 36, "intermediate_size": 212, "num_attention_heads": 16, "#
                + #""num_key_value_heads": 4, "head_dim": 6\#(mixture)}"#).utf8)
        return try ModelConfiguration(folder: folder.path)
    }

    /// What each rank of the first replica fills of each weight of its stage, by stage.
    private func shares(
        _ topology: Topology, _ model: ModelConfiguration
    ) throws -> [[[WeightFill.Share]]] {
        let layouts = try topology.ranks.map { try RankLayout($0, in: topology, model) }
        return try (0..<topology.pipelineParallelSize).map { stage in
            let peers = layouts.filter { $0.pipelineGroup.index == stage }
            let loader = WeightLoader(source: .dummy(seed: 1), dtype: .bfloat16)
            _ = try Llama(model, layout: peers[0], from: loader)
            return loader.fills.map { fill in
                (0..<topology.shiftSize).compactMap { index in
                    fill.share(of: peers.filter { $0.headGroup.index == index })
                }
            }
        }
    }

    @Test(
        "The ranks of one replica fill every part of every weight once, under every topology",
        arguments: [0, 6])
    func everyPartOnce(experts: Int) throws {
        let model = try model(experts: experts)
        let groups: [ExpertGroup?] = experts > 0 ? [nil] + ExpertGroup.allCases : [nil]
        try withEveryTopology(worldSizes: [1, 2, 4, 8]) { sizes in
            for group in groups {
                let topology = Topology(
                    data: sizes.dataParallelSize, pipeline: sizes.pipelineParallelSize,
                    sequence: sizes.sequenceParallelSize, tensor: sizes.tensorParallelSize,
                    expertGroup: group)
                let whole = Topology(pipeline: sizes.pipelineParallelSize)
                let expected = try shares(whole, model).map { $0.map(\.[0]) }
                let found = try shares(topology, model).map { $0.map(joined) }
                #expect(found == expected, "\(topology)")
            }
        }
    }

    /// The union of shares; nil where they overlap or leave something out between them.
    private func joined(_ shares: [WeightFill.Share]) -> WeightFill.Share? {
        func union(_ ranges: [Range<Int>]) -> Range<Int>? {
            let ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
            guard zip(ranges, ranges.dropFirst()).allSatisfy({ $0.upperBound == $1.lowerBound })
            else { return nil }
            return ranges[0].lowerBound..<ranges[ranges.count - 1].upperBound
        }
        let blocks = shares.compactMap(\.blocks)
        let parts = shares.compactMap(\.inputParts)
        if shares.isEmpty { return nil }
        if blocks.count == shares.count { return union(blocks).map { .init(blocks: $0) } }
        if parts.count == shares.count { return union(parts).map { .init(inputParts: $0) } }
        return shares.count == 1 ? shares[0] : nil
    }

    @Test("A rank's share is what it reads in tensor mode", arguments: [DType.bfloat16, .float32])
    func ownShare(dtype: DType) throws {
        let model = try model(experts: 0)
        let topology = Topology(sequence: 2, tensor: 4)
        let parts = Partition(panelsOf: 212, parts: topology.parts)
        for rank in topology.ranks {
            let layout = try RankLayout(rank, in: topology, model)
            func products(filledBy layouts: [RankLayout]) throws -> [[Float]] {
                let loader = WeightLoader(source: .dummy(seed: 7), dtype: dtype)
                let weights = [
                    try loader.headColumns(
                        ["q"], heads: 16, headDimension: 6, inputs: 36,
                        shards: layout.heads.queries, hasBias: false
                    ).weight,
                    try loader.innerColumns(
                        ["gate", "up"], width: parts, inputs: 36, hasBias: false
                    ).weight,
                    try loader.rows(
                        "down", outputs: 36, inputParts: parts.boundaries, hasBias: false
                    ).weight,
                ]
                for fill in loader.fills {
                    for layout in layouts { try fill(for: [layout], on: backend) }
                }
                return try weights.map { try product($0(layout[.tensor].tensorGroup)) }
            }
            let everyone = try topology.ranks.map { try RankLayout($0, in: topology, model) }
            let alone = try products(filledBy: [layout])
            #expect(try alone == products(filledBy: everyone), "rank \(rank)")
            #expect(alone.allSatisfy { $0.isEmpty || $0.contains { $0 != 0 } }, "rank \(rank)")
        }
    }

    @Test(
        "Memory that is refused for rows on their way is an error of the start, not the end of it")
    func refusedMemory() throws {
        // Half of all addresses for the weight; its rows would take them all.
        let inputs = 1 << 41
        let weight = try PackedWeight(
            layout: PanelLayout(blocks: [16]), inputParts: [0, inputs], dtype: .bfloat16)
        let tensor = CheckpointTensor(
            storage: try Storage(zeroedBytes: 1), byteOffset: 0, encoding: .plain(.float32),
            shape: [inputs, 16], file: "")
        let turned = RowSource(
            name: "w", blocks: [16],
            place: RowPlace(shape: [inputs, 16], first: 0, rowStep: 1, inputStep: 16))
        let fill = WeightFill(.everyone(turn: 0)) { share, backend throws(StorageError) in
            try turned.pack(tensor, share.blocks, into: weight, on: backend)
        }
        let layout = try RankLayout(0, in: Topology(), model(experts: 0))
        #expect {
            try fill(for: [layout], on: backend)
        } throws: {
            "\($0)".hasPrefix("memory: \(16 * inputs * 4) bytes refused by the system")
        }
    }

    private func product(_ weight: PackedWeight) throws -> [Float] {
        guard weight.inputs * weight.outputs > 0 else { return [] }
        let input = try Tensor(zeros: [1, weight.inputs])
        backend.fillRandom(input, seed: 3, scale: 1)
        let output = try Tensor(zeros: [1, weight.outputs])
        backend.linear(input, weight, bias: nil, into: output)
        return output.withElements(of: Float.self) { Array($0) }
    }
}
