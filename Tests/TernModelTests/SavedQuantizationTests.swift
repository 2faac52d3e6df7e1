import TernCPU
import TernJSON
import TernPlanning
import TernTensor
import TernTesting
import Testing

@testable import TernModel

/// What is read of a matrix of four bits, against the real numbers of its file.
@Suite("Saved weights of four bits")
struct SavedQuantizationTests {
    private static let outputs = 48
    /// Parts that cut through groups, for inputs that no usual group divides.
    private static let inputParts = [0, 48, 96, 144, 192, 240, 288, 336, 392]

    private static let topologies = [
        Topology(), Topology(tensor: 2), Topology(sequence: 2), Topology(sequence: 2, tensor: 2),
    ]

    private func configuration(_ quantization: JSON) throws -> ModelConfiguration {
        try ModelConfiguration(json: [
            "architectures": ["LlamaForCausalLM"], "vocab_size": 64, "hidden_size": 64,
            "intermediate_size": 160, "num_hidden_layers": 1, "num_attention_heads": 8,
            "max_position_embeddings": 64, "quantization_config": quantization,
        ])
    }

    /// Declares weights of a file and fills them by all ranks of a topology.
    private func weights(
        _ file: [UInt8], _ quantization: JSON, _ topology: Topology = Topology(),
        on backend: any Backend, declare: (WeightLoader, RankLayout) throws -> [PackedWeight]
    ) throws -> [PackedWeight] {
        let folder = try TemporaryFolder()
        try folder.write("model.safetensors", file)
        let model = try configuration(quantization)
        let loader = WeightLoader(
            source: .checkpoint(try Checkpoint(folder: folder.path)), dtype: .float32,
            quantization: WeightQuantization(saved: model.quantization))
        let layouts = try topology.ranks.map { try RankLayout($0, in: topology, model) }
        let weights = try declare(loader, layouts[0])
        for fill in loader.fills {
            for layout in layouts { try fill(for: [layout], on: backend) }
        }
        return weights
    }

    /// Some of every kind of cut: inputs in parts, blocks of 16 outputs, heads of 6.
    private func everyCut(
        _ loader: WeightLoader, _ layout: RankLayout, inputs: Int
    ) throws -> [PackedWeight] {
        let parts = Partition(panelsOf: Self.outputs, parts: layout.topology.parts)
        return [
            try loader.rows(
                "m", outputs: Self.outputs, inputParts: Self.inputParts, hasBias: false
            ).weight.whole,
            try loader.innerColumns(["m"], width: parts, inputs: inputs, hasBias: false)
                .weight.whole,
            try loader.headColumns(
                ["m"], heads: 8, headDimension: 6, inputs: inputs, shards: layout.heads.queries,
                hasBias: false
            ).weight.whole,
        ]
    }

    @Test(
        "Every element is what the file's words mean, whichever ranks fill which cut of it",
        arguments: SavedLayout.allCases, [128, 32, 8, nil])
    func elements(layout: SavedLayout, group: Int?) throws {
        var matrix = SavedMatrix(
            layout: layout, outputs: Self.outputs, inputs: 392, group: group)
        for hasOrder in [false, true] where layout != .awq || !hasOrder {
            if hasOrder { matrix.order = (0..<matrix.inputs).map { $0 / matrix.width } }
            let file = matrix.file()
            let (expected, zeros) = try matrix.dequantized(file)
            if layout == .packedSymmetric {
                #expect(zeros == [8])
            } else {
                #expect(zeros.contains(layout.zeroOffset) && zeros.contains(15 + layout.zeroOffset))
            }
            for topology in Self.topologies {
                let weights = try weights(
                    file, layout.configuration(group: group), topology,
                    on: CPUBackend(processors: [0], pins: false)
                ) { try everyCut($0, $1, inputs: matrix.inputs) }
                for weight in weights {
                    let found = (0..<Self.outputs).map { row in
                        (0..<matrix.inputs).map { weight.element(row: row, input: $0) }
                    }
                    let isSame = found == expected
                    #expect(isSame, "\(topology), rows of \(weight.layout.blockPanels.count - 1)")
                }
            }
        }
    }

    @Test(
        "Products equal those of the real numbers that the file means",
        arguments: SavedLayout.allCases, [128, 32, nil])
    func products(layout: SavedLayout, group: Int?) throws {
        let matrix = SavedMatrix(
            layout: layout, outputs: Self.outputs, inputs: 392, group: group)
        let file = matrix.file()
        let expected = try matrix.dequantized(file).numbers
        // Whole inputs, of every eight the first the largest, so that none is rounded.
        let numbers: [Double] = (0..<matrix.inputs).map { input in
            let number = input % 8 == 0 ? 127 : input * 37 % 253 - 126
            return Double(number)
        }
        let input = try Tensor(zeros: [1, matrix.inputs])
        input.withElements(of: Float.self) { elements in
            for (index, number) in numbers.enumerated() { elements[index] = Float(number) }
        }
        for kernels in KernelSet.available {
            let backend = try CPUBackend(processors: [0], pins: false, kernels: kernels.name)
            let weights = try weights(file, layout.configuration(group: group), on: backend) {
                try everyCut($0, $1, inputs: matrix.inputs)
            }
            for weight in weights {
                let output = try Tensor(zeros: [1, Self.outputs])
                backend.linear(input, weight, bias: nil, into: output)
                let found = output.withElements(of: Float.self) { Array($0) }
                for (row, elements) in expected.enumerated() {
                    let terms: [Double] = zip(elements, numbers).map { Double($0) * $1 }
                    let most: Double = terms.reduce(0) { $0 + abs($1) }
                    let sum: Double = terms.reduce(0, +)
                    #expect(
                        abs(Double(found[row]) - sum) <= most * 1e-6, "\(kernels.name), row \(row)")
                }
            }
        }
    }

    @Test(
        "Rows of a fused module begin where they do, in the middle of a word too",
        arguments: SavedLayout.allCases)
    func fusedRows(layout: SavedLayout) throws {
        let matrix = SavedMatrix(layout: layout, outputs: Self.outputs, inputs: 96, group: 32)
        let file = matrix.file()
        let expected = try matrix.dequantized(file).numbers
        let (configuration, firsts) = (layout.configuration(group: 32), [0, 8, 12, 16])
        let weights = try weights(file, configuration, on: CPUBackend(pins: false)) { loader, _ in
            try firsts.map { first in
                try loader.innerColumns(
                    [Projection("m", fused: (first: first, all: Self.outputs))],
                    width: Partition(panelsOf: 32, parts: 8), inputs: 96, hasBias: false
                ).weight.whole
            }
        }
        for (weight, first) in zip(weights, firsts) {
            let found = (0..<32).map { row in
                (0..<96).map { weight.element(row: row, input: $0) }
            }
            let isSame = found == Array(expected[first..<first + 32])
            #expect(isSame, "rows from \(first)")
        }
    }

    /// A matrix that is not read, and what is said of it.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var layout = SavedLayout.gptq
        var group: Int? = 32
        var outputs = 48
        var inputParts = [0, 32, 64]
        var order: (@Sendable (Int) -> Int)?
        var change: @Sendable (inout (name: String, type: String, shape: [Int])) -> Void = { _ in }
        let message: String
        var testDescription: String { message }
    }

    static let refusals = [
        Refusal(
            group: nil, inputParts: [0, 32, 100],
            message: "m.weight has 100 inputs, expected a multiple of 8 for words of 4 bits"),
        Refusal(
            layout: .awq, inputParts: [0, 32, 100],
            message: "m.weight has 100 inputs, expected a multiple of 8 for words of 4 bits"),
        Refusal(
            outputs: 44,
            message: "m has 44 outputs, expected a multiple of 8 for words of 4 bits"),
        Refusal(
            inputParts: [0, 20, 64],
            message: "m.weight with its inputs cut at [0, 20, 64] cannot be held in int4"),
        Refusal(
            order: { (63 - $0) / 32 },
            message: "m.g_idx puts inputs in another order (desc_act), expected"),
        Refusal(
            order: { $0 / 16 },
            message: "m.g_idx puts inputs in another order (desc_act), expected"),
        Refusal(
            layout: .awq, change: { if $0.name == "m.qweight" { $0.shape = [8, 48] } },
            message: "tensor m.qweight has shape [8, 48], config.json asks for [64, 6]"),
        Refusal(
            change: { if $0.name == "m.scales" { $0.shape[0] = 1 } },
            message: "tensor m.scales has shape [1, 48], config.json asks for [2, 48]"),
        Refusal(
            change: { if $0.name == "m.qzeros" { $0.shape[1] = 48 } },
            message: "tensor m.qzeros has shape [2, 48], config.json asks for [2, 6]"),
        Refusal(
            change: { if $0.name == "m.qzeros" { $0.name = "other" } },
            message: "tensor m.qzeros is missing, expected whole numbers of 32 bits"),
        Refusal(
            change: { if $0.name == "m.qweight" { $0.type = "I8" } },
            message: "tensor m.qweight holds I8, expected whole numbers of 32 bits"),
        Refusal(
            layout: .packed, change: { if $0.name == "m.weight_zero_point" { $0.shape[0] = 48 } },
            message: "tensor m.weight_zero_point has shape [48, 2], config.json asks for [6, 2]"),
        Refusal(
            layout: .packed, order: { (63 - $0) / 32 },
            message: "m.weight_g_idx puts inputs in another order (desc_act), expected groups of"),
        Refusal(
            layout: .packedSymmetric,
            change: { if $0.name == "m.weight_scale" { $0.shape[1] = 1 } },
            message: "tensor m.weight_scale has shape [48, 1], config.json asks for [48, 2]"),
        Refusal(
            change: { if $0.name == "m.scales" { $0.type = "I32" } },
            message: "tensor m.scales holds I32, expected F32, BF16 or F16"),
    ]

    @Test("A matrix that cannot be read so is refused in a line", arguments: refusals)
    func refused(refusal: Refusal) throws {
        let inputs = refusal.inputParts[refusal.inputParts.count - 1]
        let matrix = SavedMatrix(
            layout: refusal.layout, outputs: refusal.outputs, inputs: inputs,
            group: refusal.group, order: refusal.order.map { (0..<inputs).map($0) })
        #expect {
            _ = try weights(
                matrix.file(refusal.change), refusal.layout.configuration(group: refusal.group),
                on: ReferenceBackend()
            ) { loader, _ in
                [
                    try loader.rows(
                        "m", outputs: refusal.outputs, inputParts: refusal.inputParts,
                        hasBias: false
                    ).weight.whole
                ]
            }
        } throws: {
            let line = "\($0)"
            return line.contains(refusal.message) && !line.contains("\n")
        }
    }

    @Test("Scales are read that stay numbers as halves, and refused beyond")
    func scales() throws {
        let cases: [(SavedLayout, type: String, bits: UInt32, refused: String?)] = [
            (.gptq, "F16", 0x7BFF, nil), (.gptq, "F16", 0x7C00, "inf"),
            (.gptq, "F16", 0xFC00, "inf"), (.gptq, "F16", 0xFE00, "nan"),
            (.packed, "BF16", 0x477F, nil), (.packed, "BF16", 0x4780, "65536.0"),
            (.packed, "BF16", 0xC780, "65536.0"),
            (.gptq, "F32", Float(65_519).bitPattern, nil),
            (.gptq, "F32", Float(-65_520).bitPattern, "65520.0"),
            (.gptq, "F32", Float.nan.bitPattern, "nan"),
        ]
        for (layout, type, bits, refused) in cases {
            let matrix = SavedMatrix(
                layout: layout, outputs: Self.outputs, inputs: 64, group: 32, scaleBits: bits)
            let file = matrix.file { if $0.name.contains("scale") { $0.type = type } }
            func read() throws {
                _ = try weights(file, layout.configuration(group: 32), on: ReferenceBackend()) {
                    loader, _ in
                    [
                        try loader.rows(
                            "m", outputs: Self.outputs, inputParts: [0, 32, 64], hasBias: false
                        ).weight.whole
                    ]
                }
            }
            guard let refused else {
                try read()
                continue
            }
            let message =
                "model.safetensors: m has a scale of \(refused), expected numbers of at most 65504"
            #expect { try read() } throws: { "\($0)" == message }
        }
    }

    @Test("Other widths than 4 bits are refused", arguments: [2, 3, 8])
    func widths(bits: Int) {
        for method in ["awq", "gptq"] {
            #expect {
                try configuration(["quant_method": .string(method), "bits": .integer(bits)])
            } throws: {
                "\($0)" == "config.json: quantization_config: bits is \(bits), expected 4"
            }
        }
    }
}
