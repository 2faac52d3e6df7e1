// Properties of the tokenizer beyond the golden texts: keys by bytes, the cost of long runs, what
// is refused, and use from many threads.

import TernJSON
import TernText
import Testing

@Suite("Tokenizer")
struct TokenizerTests {
    /// A tokenizer without merges but with added tokens.
    private func tokenizer(adding contents: [JSON]) throws -> Tokenizer {
        try Golden.tokenizer("o200k", [("added_tokens", .array(contents))])
    }

    @Test("Composed and decomposed spellings of a token are two tokens")
    func keysAreBytes() throws {
        let tokenizer = try tokenizer(adding: [
            ["content": "caf\u{E9}", "normalized": false],
            ["content": "cafe\u{301}", "normalized": false],
        ])
        let composed = try tokenizer.encode("caf\u{E9}")
        let decomposed = try tokenizer.encode("cafe\u{301}")
        #expect(composed.count == 1)
        #expect(decomposed.count == 1)
        #expect(composed != decomposed)
        #expect(tokenizer.tokenID(of: "cafe\u{301}") == decomposed.first)
    }

    @Test("Of added tokens at one place the longest counts")
    func longestMatch() throws {
        let tokenizer = try tokenizer(adding: [
            ["content": "<a>", "special": true], ["content": "<a><b>", "special": true],
            ["content": "<b>", "special": true],
        ])
        let ids = try tokenizer.encode("<a><b><b><a>")
        #expect(ids == ["<a><b>", "<b>", "<a>"].compactMap { tokenizer.tokenID(of: $0) })
    }

    @Test(
        "Runs of 30,000 characters are encoded whole and soon", .timeLimit(.minutes(1)),
        arguments: ["qwen2", "gemma", "unigram_bytes"])
    func longRuns(_ name: String) throws {
        let tokenizer = try Golden.tokenizer(name, [("normalizer", nil)])
        for unit in ["a", " ", "!", "人", "\u{301}\u{323}"] {
            let text = String(repeating: unit, count: 30_000 / unit.unicodeScalars.count)
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            let bytes = try tokenizer.decode(ids, skipSpecialTokens: false).utf8.count
            #expect(bytes == text.utf8.count)
        }
    }

    @Test(
        "A run that merges level by level is encoded whole and soon", .timeLimit(.minutes(1)),
        arguments: ["qwen2", "gemma"])
    func deepMerges(_ name: String) throws {
        let words = (0..<12).map { String(repeating: "a", count: 1 << $0) }
        let vocabulary = words.enumerated().map { (key: $1, value: JSON.integer($0)) }
        let merges = words.dropLast().map { JSON.array([.string($0), .string($0)]) }
        let tokenizer = try Golden.tokenizer(
            name,
            [
                ("added_tokens", []), ("model.unk_token", nil), ("post_processor", nil),
                ("model.merges", .array(merges)),
                ("model.vocab", .object(JSONObject(vocabulary))),
            ])
        let text = String(repeating: "a", count: 100_000)
        let ids = try tokenizer.encode(text)
        #expect(ids == Array(repeating: 11, count: 48) + [10, 9, 7, 5])
    }

    @Test(
        "Text that is not UTF-8 is refused with the place",
        arguments: [
            ([0x61, 0xFF], 1), ([0xC0, 0xAF], 0), ([0x61, 0x62, 0xE2, 0x82], 2),
            ([0xED, 0xA0, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
        ] as [([UInt8], Int)])
    func invalidText(_ bytes: [UInt8], _ place: Int) throws {
        let tokenizer = try Golden.tokenizer("gpt2")
        let error = try #require(throws: TokenizerError.self) {
            _ = try tokenizer.encode(utf8: bytes)
        }
        #expect(error.message.contains("byte \(place);"), "\(error)")
    }

    @Test("A text that grows too long by normalization is refused before it is made")
    func growingText() throws {
        let content = String(repeating: "x", count: 1 << 20)
        let normalizer: JSON = [
            "type": "Replace", "pattern": ["String": "a"], "content": .string(content),
        ]
        let tokenizer = try Golden.tokenizer("gpt2", [("normalizer", normalizer)])
        let error = try #require(throws: TokenizerError.self) {
            _ = try tokenizer.encode(String(repeating: "a", count: 2_000))
        }
        #expect(error.message.contains("a normalized text of 2097152000 bytes"), "\(error)")
    }

    @Test("A negative id is refused, an id without a token is nothing")
    func oddIDs() throws {
        let tokenizer = try Golden.tokenizer("gpt2")
        #expect(throws: TokenizerError.self) {
            _ = try tokenizer.decode([-1], skipSpecialTokens: true)
        }
        #expect(try tokenizer.decode([.max, 5000], skipSpecialTokens: true) == "")
    }

    @Test("Many threads use one tokenizer at once")
    func threads() async throws {
        let tokenizer = try Golden.tokenizer("llama3")
        let texts = try Golden.texts("llama3")
        let expected = try texts.map { try tokenizer.encode($0) }
        try await withThrowingTaskGroup(of: [[Int32]].self) { group in
            for _ in 0..<8 {
                group.addTask { try texts.map { try tokenizer.encode($0) } }
            }
            for try await ids in group { #expect(ids == expected) }
        }
    }
}
