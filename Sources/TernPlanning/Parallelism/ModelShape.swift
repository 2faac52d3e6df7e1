// What of a model decides whether ranks can share it. A checkpoint's configuration is read
// elsewhere; here are its counts alone.

/// The counts of a model that ranks divide.
public struct ModelShape: Sendable, Equatable {
    /// Query heads of a layer.
    public let queryHeads: Int
    /// Key-value heads of a layer; the query heads are a multiple of them.
    public let keyValueHeads: Int
    /// Layers, which stages divide.
    public let layers: Int
    /// Experts of a mixture; 0 for a dense model.
    public let experts: Int
    /// Rows of the head. Any number can be cut, for parts may be uneven or empty.
    public let vocabulary: Int
    /// Width between the two products of a feed-forward block, or of one expert. Any number can
    /// be cut.
    public let innerWidth: Int

    /// Makes a shape of positive counts.
    public init(
        queryHeads: Int, keyValueHeads: Int, layers: Int, experts: Int = 0, vocabulary: Int,
        innerWidth: Int
    ) {
        precondition(
            keyValueHeads >= 1 && queryHeads >= 1 && queryHeads.isMultiple(of: keyValueHeads),
            "\(queryHeads) query heads on \(keyValueHeads) key-value heads")
        precondition(
            layers >= 1 && experts >= 0 && vocabulary >= 1 && innerWidth >= 1,
            "\(layers) layers, \(experts) experts, \(vocabulary) tokens, width \(innerWidth)")
        self.queryHeads = queryHeads
        self.keyValueHeads = keyValueHeads
        self.layers = layers
        self.experts = experts
        self.vocabulary = vocabulary
        self.innerWidth = innerWidth
    }
}
