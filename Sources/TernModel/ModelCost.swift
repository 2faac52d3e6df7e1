// What a step must at least do, counted from a model's shape: the numerators of every claim about
// speed. Norms, rotations and softmax are not counted.

import TernTensor

/// The cost of steps of a model.
public struct ModelCost: Sendable, Equatable {
    private let model: ModelConfiguration
    private let dtype: DType
    private let cacheType: DType
    /// The formats of the layers' matrices, and of the head's.
    private let layerFormat, headFormat: WeightFormat

    /// Counts for a model whose weights have a type or are quantized, and its cache that type or one of
    /// its own. Routers and projections that never are quantized count as the others.
    public init(
        _ model: ModelConfiguration, dtype: DType, cacheType: DType? = nil,
        quantization: WeightQuantization = WeightQuantization()
    ) {
        self.model = model
        self.dtype = dtype
        self.cacheType = cacheType ?? dtype
        layerFormat =
            quantization.saved?.format(inputs: model.hiddenSize) ?? quantization.layers
            ?? .plain(dtype)
        headFormat = quantization.head ?? .plain(dtype)
    }

    /// Elements of the weight matrices of all layers, with so many experts of each sparse one.
    private func elements(experts distinct: Double) -> Double {
        Double(model.layers * attentionElements)
            + Double(model.sparseLayers) * feedForwardElements(model.experts, distinct)
            + Double(model.layers - model.sparseLayers) * feedForwardElements(nil, distinct)
    }

    /// Elements of the weight matrices behind one layer's attention, with so many of its experts.
    private func feedForwardElements(
        _ experts: ExpertConfiguration?, _ distinct: Double
    ) -> Double {
        let hidden = Double(model.hiddenSize)
        guard let experts else { return Double(3 * model.intermediateSize) * hidden }
        return hidden
            * (Double(experts.count + 3 * (experts.sharedWidth ?? 0))
                + distinct * Double(3 * experts.innerWidth))
    }

    /// Elements of the last layer's matrices that only those tokens meet whose logits are asked for.
    private func lastElements(experts distinct: Double) -> Double {
        let projection = model.queryHeads * model.headWidths.attended * model.hiddenSize
        let experts = model.experts.flatMap { $0.isSparse(model.layers - 1) ? $0 : nil }
        return Double(projection) + feedForwardElements(experts, distinct)
    }

    /// Elements of the weight matrices of one layer's attention.
    private var attentionElements: Int {
        let (hidden, heads) = (model.hiddenSize, model.queryHeads)
        guard let latent = model.latent else {
            return 2 * hidden * (heads + model.keyValueHeads) * model.headDimension
        }
        let queries =
            (latent.queryRank ?? 0) * hidden
            + (latent.queryRank ?? hidden) * heads * latent.queryDimension
        let up = latent.keyValueRank * heads * (latent.plainDimension + latent.valueDimension)
        return queries + hidden * latent.cachedWidth + up + heads * latent.valueDimension * hidden
    }

    /// Bytes that attention reads of a token in one layer's cache.
    private var cachedBytes: Int {
        let elements = model.headWidths.keys.count + model.headWidths.values.count
        let scales = cacheType == .int8 ? 2 * MemoryLayout<Float>.size : 0
        return model.keyValueHeads * (elements * cacheType.bytes + scales)
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

    /// Bytes that one decode step reads: every matrix once, and each sequence's keys and values.
    ///
    /// Of experts only those that some sequence is sent to, in expectation over even choices; a
    /// trained router is less even, and reads fewer.
    /// `context` is the number of tokens that a sequence has in the cache.
    public func decodeBytes(sequences: Int, context: Int) -> Double {
        let layers = elements(experts: distinctExperts(tokens: sequences))
        let weights =
            layers * layerFormat.bytesPerElement
            + Double(headElements) * headFormat.bytesPerElement
        let seen = model.windows.reduce(0) { $0 + min(context, $1 ?? context) }
        return weights + Double(sequences * seen * cachedBytes)
    }

    /// Operations (two per multiply-add) to compute a prompt, with logits of so many of its tokens.
    ///
    /// Attention is counted over the positions that a token sees; behind the last layer's, only
    /// tokens with logits count.
    public func prefillOperations(tokens: Int, sampled: Int = 1) -> Double {
        let perToken = Double(model.experts?.perToken ?? 0)
        let products =
            2 * elements(experts: perToken) * Double(tokens)
            - 2 * lastElements(experts: perToken) * Double(tokens - sampled)
        let pairs = model.windows.reduce(0.0) { $0 + Self.pairs(tokens: tokens, window: $1) }
        let widths = model.headWidths
        let attention =
            2 * Double(model.queryHeads * (widths.keys.count + widths.values.count)) * pairs
        return products + attention + Double(sampled) * 2 * Double(headElements)
    }

    /// Pairs of a token and a position that it sees.
    private static func pairs(tokens: Int, window: Int?) -> Double {
        let window = Double(min(tokens, window ?? tokens))
        return window * (window + 1) / 2 + (Double(tokens) - window) * window
    }
}
