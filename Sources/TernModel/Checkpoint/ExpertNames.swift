// Under which names a checkpoint holds the experts of one layer. There are three spellings: an
// expert at a time as Qwen or as Mixtral write them, and all experts in one tensor. They meet here.

/// Where the matrices of one layer's experts are found.
///
/// Source: conversion_mapping.py of transformers 5, which turns the first two into the third.
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
    }

    init(
        layer: String, _ model: ModelConfiguration, _ experts: ExpertConfiguration,
        from loader: WeightLoader
    ) {
        self.layer = layer
        self.experts = experts
        hiddenSize = model.hiddenSize
        spelling =
            loader.holds(layer + ".mlp.experts.gate_up_proj")
            ? .fused : model.architecture == .mixtral ? .mixtral : .qwen
    }

    /// The router's module.
    var router: String {
        switch spelling {
        case .qwen, .fused: layer + ".mlp.gate"
        case .mixtral: layer + ".block_sparse_moe.gate"
        }
    }

    /// One expert's gates, into every other block from the first on.
    func gate(_ expert: Int, blocks: [Int], firstBlock: Int) -> RowSource {
        source(expert, ("gate_proj", "w1"), blocks, firstBlock, 2, fused: ("gate_up_proj", 0, 2))
    }

    /// One expert's ups, into every other block from the first on.
    func up(_ expert: Int, blocks: [Int], firstBlock: Int) -> RowSource {
        source(expert, ("up_proj", "w3"), blocks, firstBlock, 2, fused: ("gate_up_proj", 1, 2))
    }

    /// One expert's rows back to the hidden size, into the block of its number.
    func down(_ expert: Int) -> RowSource {
        source(expert, ("down_proj", "w2"), [hiddenSize], expert, 1, fused: ("down_proj", 0, 1))
    }

    /// `fused`: the name, which of an expert's matrices there it is, and how many there are.
    private func source(
        _ expert: Int, _ names: (qwen: String, mixtral: String), _ blocks: [Int],
        _ firstBlock: Int, _ blockStep: Int, fused: (name: String, index: Int, count: Int)
    ) -> RowSource {
        let rows = blocks.reduce(0, +)
        let name =
            switch spelling {
            case .qwen: "\(layer).mlp.experts.\(expert).\(names.qwen).weight"
            case .mixtral: "\(layer).block_sparse_moe.experts.\(expert).\(names.mixtral).weight"
            case .fused: "\(layer).mlp.experts.\(fused.name)"
            }
        var source = RowSource(
            name: name, blocks: blocks, firstBlock: firstBlock, blockStep: blockStep,
            expert: ExpertNumber(index: expert, count: experts.count))
        if spelling == .fused {
            source.stack = RowStack(
                outerShape: [experts.count, fused.count * rows],
                firstRow: (expert * fused.count + fused.index) * rows)
        }
        return source
    }
}
