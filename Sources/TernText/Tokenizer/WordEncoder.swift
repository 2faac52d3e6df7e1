// The `model` of tokenizer.json: how words become tokens (station 2 of the walk). It chooses
// between the two encodings that Tern knows; each has a file of its own.

/// An encoding of words.
enum WordEncoder: Sendable {
    case bytePairs(BytePairEncoder)
    case unigram(UnigramEncoder)

    /// The working memory of one call, used again from word to word.
    struct Workspace {
        fileprivate var bytePairs = BytePairEncoder.Workspace()
        fileprivate var unigram = UnigramEncoder.Workspace()
    }

    /// Appends the tokens of a word.
    func encode(
        _ text: borrowing [UInt8], _ word: Range<Int>, into ids: inout [Int32],
        _ workspace: inout Workspace
    ) throws(TokenizerError) {
        switch self {
        case .bytePairs(let encoder):
            encoder.encode(text, word, into: &ids, &workspace.bytePairs)
        case .unigram(let encoder):
            try encoder.encode(text, word, into: &ids, &workspace.unigram)
        }
    }
}

extension WordEncoder {
    /// A model whose vocabulary is read, to be completed once the added tokens are known.
    struct Description {
        let model: TokenizerField
        var vocabulary: Vocabulary
        /// The scores of a Unigram model's pieces.
        private let scores: [Double]?

        /// Reads the vocabulary; a model without a type is a byte-pair encoding.
        init(_ model: TokenizerField, _ spelling: Vocabulary.Spelling) throws(TokenizerError) {
            self.model = model
            switch try model["type"]?.string() ?? "BPE" {
            case "BPE":
                vocabulary = try Vocabulary(model.required("vocab"), spelling)
                scores = nil
            case "Unigram":
                let pieces = try UnigramEncoder.Pieces(model.required("vocab"))
                vocabulary = Vocabulary(pieces: pieces.contents, spelling)
                scores = pieces.scores
            case let type:
                throw try model.required("type").unknownType(type, known: "BPE, Unigram")
            }
        }

        /// The encoding.
        func encoder(isControl: (Int32) -> Bool) throws(TokenizerError) -> WordEncoder {
            if let scores {
                return .unigram(
                    try UnigramEncoder(model, scores, vocabulary, isControl: isControl))
            }
            return .bytePairs(try BytePairEncoder(model, vocabulary, isControl: isControl))
        }
    }
}
