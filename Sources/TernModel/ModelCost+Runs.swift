// What whole requests must at least cost, from the costs of steps: the numerators of throughput.
// Prefixes that a cache spares and sequences that are computed again are not seen here.

extension ModelCost {
    /// Operations for a prompt and the tokens generated after it. The last of these is never
    /// computed; each needs logits.
    public func operations(promptTokens: Int, outputTokens: Int) -> Double {
        prefillOperations(tokens: promptTokens + outputTokens - 1, sampled: outputTokens)
    }

    /// Bytes of the cache that decoding after a prompt reads, the first token aside.
    public func cacheBytes(promptTokens: Int, outputTokens: Int) -> Double {
        let context = promptTokens + outputTokens / 2
        let perToken =
            decodeBytes(sequences: 1, context: context) - decodeBytes(sequences: 1, context: 0)
        return Double(outputTokens - 1) * perToken
    }

    /// Bytes of weights that one step reads: of experts, those that its tokens are sent to.
    public func weightBytes(tokens: Int) -> Double { decodeBytes(sequences: tokens, context: 0) }
}
