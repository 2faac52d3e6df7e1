// Words that must not be generated, as text, become sequences of tokens that must not be.

import TernPlanning

/// Makes tokens of bad words.
///
/// Source: vLLM's `SamplingParams.update_from_tokenizer`: a word is encoded as at the beginning of a
/// text and as after a space; the second counts where it is another token of the same length.
public enum BadWords {
    /// The token sequences of words; empty for a word without a token.
    ///
    /// Throws: what `encode` throws.
    public static func tokens(
        of words: [String], encode: (String) throws -> [TokenID]
    ) rethrows -> [[TokenID]] {
        try words.flatMap { word in
            let bare = String(word.drop { $0.isWhitespace })
            let first = try encode(bare)
            let inside = try encode(" " + bare)
            let differs = inside.count == first.count && inside.first != first.first
            return differs ? [first, inside] : [first]
        }
    }
}
