// Reads the `model` of tokenizer.json where it is a Unigram model (station 2 of the walk).

extension UnigramEncoder {
    /// The pieces of `model.vocab` and their scores, in the order of their ids.
    struct Pieces {
        var contents: [String] = []
        var scores: [Double] = []

        /// Reads pairs of a piece and a score.
        init(_ field: TokenizerField) throws(TokenizerError) {
            guard let elements = field.value.array else {
                throw field.failure("an array is expected", found: true)
            }
            guard elements.count <= Vocabulary.maximumID else {
                throw field.failure(
                    "\(elements.count) pieces; at most \(Vocabulary.maximumID) are supported")
            }
            for (index, element) in elements.enumerated() {
                guard let pair = element.array, pair.count == 2, let content = pair[0].string,
                    let score = pair[1].number, score.isFinite
                else {
                    throw field.element(index, element).failure(
                        "a pair of a piece and a finite score is expected", found: true)
                }
                contents.append(content)
                scores.append(score)
            }
        }
    }

    /// Reads the encoding, whose pieces have been read already.
    init(
        _ model: TokenizerField, _ scores: [Double], _ vocabulary: Vocabulary,
        isControl: (Int32) -> Bool
    ) throws(TokenizerError) {
        var unknown: Int32?
        if let field = model["unk_id"] {
            let id = try field.tokenID()
            guard scores.indices.contains(Int(id)) else {
                throw field.failure("no piece has the id \(id)")
            }
            unknown = id
        }
        self.init(
            try SymbolTable(model, vocabulary), scores: scores, unknown: unknown,
            isControl: isControl)
    }
}
