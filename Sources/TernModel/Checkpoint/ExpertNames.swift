// Under which names a checkpoint holds the experts of one layer. There are four spellings: an expert
// at a time as Qwen or as Mixtral write them, all experts in one tensor, and the same with rows and
// columns exchanged, as gpt-oss has it. They meet here.

/// Where the matrices of one layer's experts are found.
///
/// Source: conversion_mapping.py of transformers 5, which turns the first two into the third;
/// modeling_gpt_oss.py.
struct ExpertNames {
    /// The layer's module, such as `model.layers.0`.
    private let layer: String
    private let spelling: Spelling
    private let experts: ExpertConfiguration
    private let hiddenSize: Int

    private enum Spelling {
        /// `mlp.experts.7.gate_proj.weight`, and so on.
        case qwen
        /// `block_sparse_moe.experts.7.w1.weight`, and so on.
        case mixtral
        /// `mlp.experts.gate_up_proj`: each expert's gates, then its ups; and `down_proj`.
        case fused
        /// The same with inputs before outputs; gates and ups take turns. There are biases.
        case transposed
    }

    init(
        layer: String, _ model: ModelConfiguration, _ experts: ExpertConfiguration,
        from loader: WeightLoader
    ) {
        self.layer = layer
        self.experts = experts
        hiddenSize = model.hiddenSize
        spelling =
            switch model.architecture {
            case .gptOss: .transposed
            case _ where loader.holds(layer + ".mlp.experts.gate_up_proj"): .fused
            case .mixtral: .mixtral
            default: .qwen
            }
    }

    /// The router's module.
    var router: String {
        switch spelling {
        case .qwen, .fused: layer + ".mlp.gate"
        case .mixtral: layer + ".block_sparse_moe.gate"
        case .transposed: layer + ".mlp.router"
        }
    }

    /// One of the matrices that make up an expert.
    enum Matrix: Int {
        case gate = 0
        case up = 1
        case down
    }

    /// One expert's matrix into blocks from the first on: every other one, but for `down`.
    func rows(
        _ matrix: Matrix, of expert: Int, blocks: [Int], firstBlock: Int
    ) -> RowSource {
        RowSource(
            name: name(matrix, of: expert), blocks: blocks, firstBlock: firstBlock,
            blockStep: matrix == .down ? 1 : 2, place: place(matrix, of: expert),
            expert: ExpertNumber(index: expert, count: experts.count))
    }

    /// The bias of an expert's matrix, in the same blocks.
    func bias(
        _ matrix: Matrix, of expert: Int, blocks: [Int], firstBlock: Int
    ) -> RowSource {
        let inner = experts.innerWidth
        let place: RowPlace =
            matrix == .down
            ? .elements(from: expert * hiddenSize, shape: [experts.count, hiddenSize])
            : .elements(
                from: expert * 2 * inner + matrix.rawValue, step: 2,
                shape: [experts.count, 2 * inner])
        return RowSource(
            name: name(matrix, of: expert) + "_bias", blocks: blocks, firstBlock: firstBlock,
            blockStep: matrix == .down ? 1 : 2, place: place)
    }

    private func name(_ matrix: Matrix, of expert: Int) -> String {
        let names =
            switch matrix {
            case .gate: (qwen: "gate_proj", mixtral: "w1", fused: "gate_up_proj")
            case .up: (qwen: "up_proj", mixtral: "w3", fused: "gate_up_proj")
            case .down: (qwen: "down_proj", mixtral: "w2", fused: "down_proj")
            }
        return switch spelling {
        case .qwen: "\(layer).mlp.experts.\(expert).\(names.qwen).weight"
        case .mixtral: "\(layer).block_sparse_moe.experts.\(expert).\(names.mixtral).weight"
        case .fused, .transposed: "\(layer).mlp.experts.\(names.fused)"
        }
    }

    /// Where in a tensor of all experts; nil where an expert has tensors of its own.
    private func place(_ matrix: Matrix, of expert: Int) -> RowPlace? {
        let (inner, count) = (experts.innerWidth, experts.count)
        switch (spelling, matrix) {
        case (.qwen, _), (.mixtral, _): return nil
        case (.fused, .down):
            return .rows(from: expert * hiddenSize, shape: [count, hiddenSize, inner])
        case (.fused, _):
            return .rows(
                from: (2 * expert + matrix.rawValue) * inner,
                shape: [count, 2 * inner, hiddenSize])
        case (.transposed, .down):
            return RowPlace(
                shape: [count, inner, hiddenSize], first: expert * inner * hiddenSize, rowStep: 1,
                inputStep: hiddenSize)
        case (.transposed, _):
            return RowPlace(
                shape: [count, hiddenSize, 2 * inner],
                first: expert * hiddenSize * 2 * inner + matrix.rawValue, rowStep: 2,
                inputStep: 2 * inner)
        }
    }
}
