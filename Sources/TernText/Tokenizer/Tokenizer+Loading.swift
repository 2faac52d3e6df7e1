// Makes a tokenizer of a model's tokenizer.json (station 2 of the walk). The file is not trusted:
// sizes and numbers are bounded, and what cannot be used ends in one line. `truncation` and
// `padding` are settings of training scripts and are not read.

import TernJSON

extension Tokenizer {
    /// Loads the tokenizer.json of a model's folder.
    ///
    /// Throws: `TokenizerError` where it is missing or not usable.
    public static func load(folder: String) throws(TokenizerError) -> Tokenizer {
        try Tokenizer(tokenizerJSON: read("\(folder)/tokenizer.json"))
    }

    /// Makes a tokenizer of the text of a tokenizer.json.
    ///
    /// Throws: `TokenizerError` with the place in the file and what is wrong there.
    public init(tokenizerJSON bytes: [UInt8]) throws(TokenizerError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw TokenizerError("tokenizer.json: \(error)")
        }
        try self.init(tokenizerJSON: json)
    }

    /// Makes a tokenizer of a parsed tokenizer.json.
    ///
    /// Throws: `TokenizerError` with the place in the file and what is wrong there.
    public init(tokenizerJSON json: JSON) throws(TokenizerError) {
        let root = TokenizerField(path: "", value: json)
        let preTokenizer = try PreTokenizer(root["pre_tokenizer"])
        var model = try WordEncoder.Description(
            root.required("model"), preTokenizer.isByteLevel ? .byteAlphabet : .characters)
        let addedTokens = try Self.addedTokens(root["added_tokens"], &model.vocabulary)
        var controls: Set<Int32> = []
        for (token, id) in addedTokens where token.isControl { controls.insert(id) }
        let encoder = try model.encoder { controls.contains($0) }
        try self.init(
            vocabulary: model.vocabulary, addedTokens: addedTokens,
            normalizer: try Normalizer(root["normalizer"]), preTokenizer: preTokenizer,
            encoder: encoder,
            postProcessor: try PostProcessor(root["post_processor"], model.vocabulary),
            decoder: try TokenDecoder(root["decoder"]))
    }

    private static func addedTokens(
        _ field: TokenizerField?, _ vocabulary: inout Vocabulary
    ) throws(TokenizerError) -> [(token: AddedToken, id: Int32)] {
        var tokens: [(token: AddedToken, id: Int32)] = []
        var known: Set<[UInt8]> = []
        for element in try field?.elements() ?? [] {
            let token = try AddedToken(element)
            if token.content.isEmpty { continue }
            guard known.insert(Array(token.content.utf8)).inserted else {
                throw element.failure("the token \(quoted(token.content)) stands twice")
            }
            let id = try vocabulary.add(token.content, isSpecial: token.isSpecial)
            tokens.append((token, id))
        }
        return tokens
    }

    private static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        do {
            return try FileContent.bytes(of: path)
        } catch {
            throw TokenizerError(
                "\(path): it \(error.reason); a model's folder must hold the file it was trained "
                    + "with")
        }
    }
}
