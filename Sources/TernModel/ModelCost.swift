// What a step must at least do, counted from a model's shape: the numerators of every claim about
// speed. Norms, rotations and softmax are not counted.

import TernTensor

/// The cost of steps of a model.
public struct ModelCost: Sendable, Equatable {
    private let model: ModelConfiguration
    private let dtype: DType

    /// Counts for a model whose weights and cache have a type.
    public init(_ model: ModelConfiguration, dtype: DType) {
        self.model = model
        self.dtype = dtype
    }

    /// Elements of the weight matrices of one layer.
    private var layerElements: Int {
        let queries = model.queryHeads * model.headDimension
        let keysValues = 2 * model.keyValueHeads * model.headDimension
        return model.hiddenSize * (2 * queries + keysValues + 3 * model.intermediateSize)
    }

    private var headElements: Int { model.vocabularySize * model.hiddenSize }

    /// Bytes that one decode step reads: every matrix once, and each sequence's keys and values.
    ///
    /// `context` is the number of tokens that a sequence has in the cache.
    public func decodeBytes(sequences: Int, context: Int) -> Double {
        let weights = model.layers * layerElements + headElements
        let cached = 2 * model.layers * model.keyValueHeads * model.headDimension * context
        return Double((weights + sequences * cached) * dtype.bytes)
    }

    /// Operations (two per multiply-add) to compute a prompt; logits of its last token only.
    ///
    /// Attention is counted over the causal half.
    public func prefillOperations(tokens: Int) -> Double {
        let products = 2 * Double(model.layers * layerElements) * Double(tokens)
        let pairs = Double(tokens) * Double(tokens + 1) / 2
        let attention = 4 * Double(model.layers * model.queryHeads * model.headDimension) * pairs
        return products + attention + 2 * Double(headElements)
    }
}
