// The tokenizer against Hugging Face's `tokenizers`, by the fixtures of
// Tests/Golden/tokenizer_fixtures.py. It compares ids and texts; it knows nothing of how they are
// made.

import TernJSON
import TernText
import Testing

@Suite("Tokenizer, golden")
struct TokenizerGoldenTests {
    @Test(
        "Tokens are those of the reference for each text and family",
        arguments: Golden.names)
    func encodes(_ name: String) throws {
        let (tokenizer, fixture) = try load(name)
        for entry in try #require(fixture["encoded"]?.array) {
            let text = try #require(entry["text"]?.string)
            let plain = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(plain == ids(entry["ids"]), "\(text.debugDescription)")
            #expect(try tokenizer.encode(text) == ids(entry["ids_with_special"]))
            let literal = try tokenizer.encode(
                utf8: Array(text.utf8), addSpecialTokens: false, parsesSpecialTokens: false)
            #expect(literal == ids(entry["ids_of_literal"]), "literal \(text.debugDescription)")
        }
    }

    @Test(
        "Texts are those of the reference, at once and token by token",
        arguments: Golden.names)
    func decodes(_ name: String) throws {
        let (tokenizer, fixture) = try load(name)
        for entry in try #require(fixture["encoded"]?.array) {
            for (key, skips) in [("decoded", true), ("decoded_with_special", false)] {
                let expected = try #require(entry[key]?.string)
                let decoded = try tokenizer.decode(ids(entry["ids"]), skipSpecialTokens: skips)
                #expect(Array(decoded.utf8) == Array(expected.utf8))
            }
        }
        for entry in try #require(fixture["decoded"]?.array) {
            let expected = try #require(entry["text"]?.string)
            let decoded = try tokenizer.decode(ids(entry["ids"]), skipSpecialTokens: true)
            #expect(Array(decoded.utf8) == Array(expected.utf8))
            var detokenizer = Detokenizer(tokenizer)
            var streamed: [UInt8] = []
            for id in ids(entry["ids"]) { streamed += Array(detokenizer.append(id).utf8) }
            streamed += Array(detokenizer.finish().utf8)
            #expect(streamed == Array(expected.utf8))
        }
    }

    private func load(_ name: String) throws -> (Tokenizer, JSON) {
        let fixture = try Golden.fixture(name)
        return (try Golden.tokenizer(name), fixture)
    }

    private func ids(_ value: JSON?) -> [Int32] {
        value?.array?.compactMap { $0.integer.map { Int32($0) } } ?? []
    }
}
