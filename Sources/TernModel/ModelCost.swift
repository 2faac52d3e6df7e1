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

    /// Elements of the weight matrices of all layers, with so many experts of each sparse one.
    private func elements(experts distinct: Double) -> Double {
        let queries = model.queryHeads * model.headDimension
        let keysValues = 2 * model.keyValueHeads * model.headDimension
        let attention = model.hiddenSize * (2 * queries + keysValues)
        let dense = (model.layers - model.sparseLayers) * 3 * model.intermediateSize
        var columns = Double(dense)
        if let experts = model.experts {
            let sparse = Double(experts.count) + distinct * Double(3 * experts.innerWidth)
            columns += Double(model.sparseLayers) * sparse
        }
        return Double(model.layers * attention) + columns * Double(model.hiddenSize)
    }

    /// Experts of a layer that so many tokens go to, were each token's choice even and its own.
    private func distinctExperts(tokens: Int) -> Double {
        guard let experts = model.experts else { return 0 }
        let (count, perToken) = (Double(experts.count), Double(experts.perToken))
        var missed = 1.0
        for _ in 0..<tokens { missed *= 1 - perToken / count }
        return count * (1 - missed)
    }

    private var headElements: Int { model.vocabularySize * model.hiddenSize }

    /// Operations for the logits of one token.
    var logitsOperations: Double { 2 * Double(headElements) }

    /// Bytes that one decode step reads: every matrix once, and each sequence's keys and values.
    ///
    /// Of experts only those that some sequence is sent to, in expectation over even choices; a
    /// trained router is less even, and reads fewer.
    /// `context` is the number of tokens that a sequence has in the cache.
    public func decodeBytes(sequences: Int, context: Int) -> Double {
        let weights =
            elements(experts: distinctExperts(tokens: sequences)) + Double(headElements)
        let cached = 2 * model.layers * model.keyValueHeads * model.headDimension * context
        return (weights + Double(sequences * cached)) * Double(dtype.bytes)
    }

    /// Operations (two per multiply-add) to compute a prompt; logits of its last token only.
    ///
    /// Attention is counted over the causal half.
    public func prefillOperations(tokens: Int) -> Double {
        let perToken = Double(model.experts?.perToken ?? 0)
        let products = 2 * elements(experts: perToken) * Double(tokens)
        let pairs = Double(tokens) * Double(tokens + 1) / 2
        let attention = 4 * Double(model.layers * model.queryHeads * model.headDimension) * pairs
        return products + attention + logitsOperations
    }
}
