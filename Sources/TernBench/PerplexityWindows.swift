// How a text is cut for `tern bench perplexity`: windows of one length that begin a stride apart, in
// each of which only the tokens are scored that no window before it scored. It knows token counts;
// tokens and models are the command's.

/// One window over the tokens of a text.
public struct PerplexityWindow: Sendable, Equatable {
    /// The tokens that the model sees.
    public let tokens: Range<Int>
    /// Those of them that count, each seen with all of the window before it.
    public let scored: Range<Int>

    /// The windows over a text of `count` tokens.
    ///
    /// A window's first token has nothing before it and never counts. Where windows overlap, that
    /// leaves out the first token of the text alone; with a stride of their whole length, the first
    /// of each. A window that would score nothing is left out.
    /// Source: "Perplexity of fixed-length models", the documentation of Hugging Face transformers.
    public static func windows(over count: Int, length: Int, stride: Int) -> [PerplexityWindow] {
        precondition(length >= 2, "windows of \(length) tokens, expected at least 2")
        precondition((1...length).contains(stride), "stride \(stride), expected 1 to \(length)")
        var windows: [PerplexityWindow] = []
        var scoredEnd = 0
        var begin = 0
        while scoredEnd < count {
            let end = min(begin + length, count)
            let first = max(scoredEnd, begin + 1)
            if first < end {
                windows.append(PerplexityWindow(tokens: begin..<end, scored: first..<end))
            }
            scoredEnd = end
            begin += stride
        }
        return windows
    }
}
