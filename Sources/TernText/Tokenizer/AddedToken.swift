// One of the `added_tokens` of tokenizer.json (station 2 of the walk): a text that is a token as it
// stands, cut out before the model sees its surroundings. AddedTokens finds them.

/// A token outside the model's encoding, with the flags of the file.
struct AddedToken: Sendable, Equatable {
    /// The text that the token stands for.
    var content: String
    /// Matches only where no part of a word stands beside it.
    var isSingleWord = false
    /// Takes white space before it along.
    var stripsLeft = false
    /// Takes white space after it along.
    var stripsRight = false
    /// Is looked for, normalized itself, in the normalized text.
    var isNormalized = true
    /// Is left out of decoded text where that is asked.
    var isSpecial = false

    /// Whether the token steers the model, so that text of users may never become it: the special
    /// ones, and those with the usual brackets, which some files do not flag.
    var isControl: Bool {
        isSpecial || (content.hasPrefix("<|") && content.hasSuffix("|>"))
            || (content.hasPrefix("<｜") && content.hasSuffix("｜>"))
    }

    /// Reads one element of `added_tokens`.
    init(_ field: TokenizerField) throws(TokenizerError) {
        content = try field.required("content").string()
        isSpecial = try field.bool("special", default: false)
        isSingleWord = try field.bool("single_word", default: false)
        stripsLeft = try field.bool("lstrip", default: false)
        stripsRight = try field.bool("rstrip", default: false)
        isNormalized = try field.bool("normalized", default: !isSpecial)
    }
}
