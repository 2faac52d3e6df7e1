// Why a scheduler refuses a sequence for good. Sequences that only have to wait are no errors.

/// A sequence that could never run to its end.
public enum AdmissionError: Error, Equatable, CustomStringConvertible {
    /// There is no token to begin with.
    case emptyPrompt
    /// The prompt leaves no room for a generated token.
    case promptTooLong(tokens: Int, maxModelLength: Int)
    /// Even alone, the sequence would outgrow the KV cache.
    case exceedsCache(tokens: Int, blocks: Int, availableBlocks: Int, blockSize: Int)

    /// One line for the caller, with the numbers.
    public var description: String {
        switch self {
        case .emptyPrompt:
            "the prompt has no tokens; it must have at least one"
        case .promptTooLong(let tokens, let maxModelLength):
            """
            the prompt has \(tokens) tokens; the model's length of \(maxModelLength) allows at \
            most \(maxModelLength - 1), for one must be left to generate
            """
        case .exceedsCache(let tokens, let blocks, let availableBlocks, let blockSize):
            """
            prompt and max_tokens reach \(tokens) tokens, which need \(blocks) KV-cache blocks of \
            \(blockSize) tokens; there are \(availableBlocks): ask for fewer tokens or give the \
            cache more memory
            """
        }
    }
}

extension SchedulerConfiguration {
    /// Checks that a sequence can run to its end when it is alone.
    ///
    /// Throws: the first bound it breaks, with the numbers.
    public func checkFit(promptTokens: Int, maxTokens: Int) throws(AdmissionError) {
        guard promptTokens > 0 else { throw .emptyPrompt }
        guard promptTokens < maxModelLength else {
            throw .promptTooLong(tokens: promptTokens, maxModelLength: maxModelLength)
        }
        let (sum, overflow) = promptTokens.addingReportingOverflow(maxTokens)
        let tokens = overflow ? maxModelLength : min(sum, maxModelLength)
        // The last token is drawn but never computed: it takes no place in the cache.
        let needed = blocks(for: tokens - 1)
        guard needed <= blockCount else {
            throw .exceedsCache(
                tokens: tokens, blocks: needed, availableBlocks: blockCount, blockSize: blockSize)
        }
    }
}
