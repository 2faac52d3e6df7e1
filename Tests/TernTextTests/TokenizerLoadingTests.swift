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
            ("normalizer", #"{"type": "Nmt"}"#, "normalizer.type: the type \"Nmt\""),
            (
                "normalizer",
                #"{"type": "Replace", "pattern": {"Regex": "(a)"}, "content": "$1"}"#,
                "normalizer.content: \"$\" in a replacement"
            ),
            (
                "normalizer",
                #"{"type": "Precompiled", "precompiled_charsmap": "////fwAA"}"#,
                "normalizer.precompiled_charsmap: the map of 6 bytes is cut off"
            ),
            (
                "pre_tokenizer",
                #"{"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}, {"type": "ByteLevel"}]}"#,
                "pre_tokenizer.pretokenizers[0].type: the type \"UnicodeScripts\""
            ),
            (
                "pre_tokenizer",
                #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"#,
                "pre_tokenizer.pretokenizers[0]: ByteLevel is supported as the last step only"
            ),
            (
                "pre_tokenizer", #"{"type": "Metaspace", "prepend_scheme": "last"}"#,
                "pre_tokenizer.prepend_scheme: \"always\", \"first\" or \"never\" is expected"
            ),
            (
                "pre_tokenizer", #"{"type": "Metaspace", "replacement": "__"}"#,
                "pre_tokenizer.replacement: one character is expected"
            ),
            (
                "decoder",
                #"{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteFallback"}]}"#,
                "decoder.decoders[1]: ByteFallback behind ByteLevel or Fuse"
            ),
            (
                "decoder", #"{"type": "Replace", "pattern": {"Regex": "a"}, "content": ""}"#,
                "decoder.pattern: a decoder's pattern must be a String"
            ),
            ("decoder", #"{"type": "WordPiece"}"#, "decoder.type: the type \"WordPiece\""),
            ("post_processor", #"{"type": "Other"}"#, "post_processor.type: the type \"Other\""),
            ("model.type", #""WordPiece""#, "model.type: the type \"WordPiece\""),
            ("model.type", #""Unigram""#, "model.vocab: an array is expected"),
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

    @Test(
        "A malformed Unigram model ends in one line that names the place",
        arguments: [
            ("model.unk_id", "9999", "model.unk_id: no piece has the id 9999"),
            ("model.vocab", #"[["a"]]"#, "model.vocab[0]: a pair of a piece and a finite score"),
            ("model.vocab", #"[["a", "b"]]"#, "model.vocab[0]: a pair of a piece and a finite"),
        ])
    func malformedUnigram(_ key: String, _ value: String, _ message: String) throws {
        let text = try Golden.description("t5", [(key, JSON(parsing: value))])
        let error = try #require(throws: TokenizerError.self) {
            _ = try Tokenizer(tokenizerJSON: text)
        }
        #expect(error.message.contains(message), "\(error)")
    }

    @Test("Byte fallback of a byte-level model needs a token for each byte")
    func byteFallback() throws {
        let fallback: (String, JSON) = ("model.byte_fallback", true)
        _ = try Golden.tokenizer("qwen2", [fallback])
        let error = try #require(throws: TokenizerError.self) {
            _ = try Golden.tokenizer(
                "qwen2", [fallback, ("model.vocab", ["a": 0]), ("model.merges", [])])
        }
        #expect(error.message.contains("model.byte_fallback: byte fallback is not supported"))
    }

    @Test("No damage to a file crashes its reader", arguments: ["flags", "llama2", "t5"])
    func survivesDamage(_ name: String) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        let whole = try Golden.description(name)
        for _ in 0..<40 {
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
                _ = try tokenizer.encode("The hero <|mid|> café 123 ﬁ \u{7}")
                _ = try tokenizer.decode(Array(0..<99), skipSpecialTokens: true)
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
