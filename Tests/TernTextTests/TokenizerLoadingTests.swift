// What a tokenizer.json may hold, and that each thing it may not hold ends in one line that names
// the place.

import TernJSON
import TernText
import Testing

@Suite("Tokenizer, loading")
struct TokenizerLoadingTests {
    @Test(
        "What Tern does not do is refused by its name",
        arguments: [
            ("normalizer", #"{"type": "Lowercase"}"#, "normalizer.type: the type \"Lowercase\""),
            ("pre_tokenizer", #"{"type": "Metaspace"}"#, "pre_tokenizer: ByteLevel is expected"),
            ("pre_tokenizer", "null", "pre_tokenizer: ByteLevel is expected"),
            (
                "pre_tokenizer",
                #"{"type": "Sequence", "pretokenizers": [{"type": "Punctuation"}, {"type": "ByteLevel"}]}"#,
                "pre_tokenizer.pretokenizers[0].type: the type \"Punctuation\""
            ),
            ("decoder", #"{"type": "WordPiece"}"#, "decoder.type: the type \"WordPiece\""),
            ("post_processor", #"{"type": "Other"}"#, "post_processor.type: the type \"Other\""),
            ("model.type", #""Unigram""#, "model.type: the type \"Unigram\""),
            ("model.byte_fallback", "true", "model.byte_fallback"),
            ("model.end_of_word_suffix", #""</w>""#, "model.end_of_word_suffix"),
            ("model.continuing_subword_prefix", ###""##""###, "model.continuing_subword_prefix"),
            ("model.dropout", "0.1", "model.dropout"),
        ])
    func refuses(_ key: String, _ value: String, _ message: String) throws {
        let text = try Golden.description("gpt2", [(key, JSON(parsing: value))])
        let error = try #require(throws: TokenizerError.self) {
            _ = try Tokenizer(tokenizerJSON: text)
        }
        #expect(error.message.contains(message), "\(error)")
        #expect(!error.message.contains("\n"))
    }

    @Test(
        "A malformed file ends in one line that names the place",
        arguments: [
            ("model", "null", "\"model\" is missing"),
            ("model.vocab", "[]", "model.vocab: an object is expected, found an array"),
            ("model.vocab", #"{"a": -1}"#, "model.vocab[\"a\"]: an id from 0 to"),
            ("model.vocab", #"{"a": 4294967296}"#, "model.vocab[\"a\"]: an id from 0 to"),
            ("model.vocab", #"{"a": 1, "b": 1}"#, "two tokens have the id 1"),
            ("model.vocab", #"{"a": 1, "a": 2}"#, "the token stands twice"),
            ("model.merges", #"["a b c"]"#, "model.merges[0]: two tokens are expected"),
            ("model.merges", #"[["a"]]"#, "model.merges[0]: two tokens are expected"),
            ("model.merges", #"[["zz", "zz"]]"#, "model.merges[0]: \"zz\", \"zz\""),
            ("model.unk_token", #""<unk>""#, "model.unk_token: the token \"<unk>\""),
            ("added_tokens", #"[{"id": 1}]"#, "added_tokens[0]: \"content\" is missing"),
            (
                "added_tokens", #"[{"content": "x", "special": 1}]"#,
                "added_tokens[0].special: true or false is expected, found 1"
            ),
            (
                "post_processor",
                #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {"x": {"ids": [99999]}}}"#,
                "no token has the id 99999"
            ),
        ])
    func names(_ key: String, _ value: String, _ message: String) throws {
        let text = try Golden.description("gpt2", [(key, JSON(parsing: value))])
        let error = try #require(throws: TokenizerError.self) {
            _ = try Tokenizer(tokenizerJSON: text)
        }
        #expect(error.message.contains(message), "\(error)")
    }

    @Test("No damage to a file crashes its reader")
    func survivesDamage() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        let whole = try Golden.description("flags")
        for _ in 0..<60 {
            var text = whole
            if Bool.random(using: &chance) {
                text.removeLast(Int.random(in: 1..<text.count, using: &chance))
            }
            for _ in 0..<Int.random(in: 0...3, using: &chance) {
                text[Int.random(in: text.indices, using: &chance)] = UInt8.random(
                    in: .min ... .max, using: &chance)
            }
            do {
                let tokenizer = try Tokenizer(tokenizerJSON: text)
                _ = try tokenizer.encode("The hero <|mid|> café 123")
            } catch {
                #expect(!error.message.contains("\n"), "seed \(seed): \(error)")
            }
        }
    }

    @Test("A folder without the file is refused with its name")
    func missingFile() throws {
        let error = try #require(throws: TokenizerError.self) {
            _ = try Tokenizer.load(folder: "/nonexistent")
        }
        #expect(error.message.contains("/nonexistent/tokenizer.json: it is missing"))
    }

    @Test("Merges are read as pairs and as strings alike")
    func mergeSpellings() throws {
        let pairs = try #require(try Golden.fixture("qwen2")["tokenizer"]?["model"]?["merges"])
        let strings = try #require(pairs.array).map { pair in
            JSON.string(pair.array?.compactMap(\.string).joined(separator: " ") ?? "")
        }
        let tokenizer = try Golden.tokenizer("qwen2", [("model.merges", .array(strings))])
        let text = "The ingenious hero travelled far and wide."
        #expect(try tokenizer.encode(text) == Golden.tokenizer("qwen2").encode(text))
    }

    @Test("Tokens are found by content, and ids tell what they are")
    func lookups() throws {
        let tokenizer = try Golden.tokenizer("llama3")
        let end = try #require(tokenizer.tokenID(of: "<|end|>"))
        #expect(tokenizer.isSpecial(end))
        #expect(tokenizer.vocabularySize == Int(end) + 1)
        let blank = try #require(tokenizer.tokenID(of: "Ġ"))
        #expect(tokenizer.tokenBytes(blank) == [0x20])
        #expect(!tokenizer.isSpecial(blank))
        #expect(tokenizer.tokenID(of: "<|nothing|>") == nil)
        for id: Int32 in [-1, end + 1, .max] { #expect(tokenizer.tokenBytes(id) == nil) }
    }
}
