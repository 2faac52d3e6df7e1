// Streaming text: whole characters only, and all of them together what decoding at once gives.

import TernText
import Testing

@Suite("Detokenizer")
struct DetokenizerTests {
    @Test(
        "The pieces joined are the text decoded at once, for any ids",
        arguments: Golden.byteLevelNames)
    func joined(_ name: String) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        let tokenizer = try Golden.tokenizer(name)
        for _ in 0..<200 {
            let ids = (0..<Int.random(in: 0...30, using: &chance)).map { _ in
                Int32.random(in: 0..<Int32(tokenizer.vocabularySize + 2), using: &chance)
            }
            for skips in [true, false] {
                var detokenizer = Detokenizer(tokenizer, skipSpecialTokens: skips)
                var bytes: [UInt8] = []
                for id in ids { bytes += Array(detokenizer.append(id).utf8) }
                bytes += Array(detokenizer.finish().utf8)
                var raw: [UInt8] = []
                for id in ids where !(skips && tokenizer.isSpecial(id)) {
                    raw += tokenizer.tokenBytes(id) ?? []
                }
                let expected = String(decoding: raw, as: UTF8.self)
                #expect(bytes == Array(expected.utf8), "seed \(seed): \(ids)")
            }
        }
    }

    @Test(
        "No piece of a valid text holds half a character", arguments: Golden.byteLevelNames)
    func wholeCharacters(_ name: String) throws {
        let tokenizer = try Golden.tokenizer(name)
        for text in try Golden.texts(name) where !text.contains("\u{FFFD}") {
            var detokenizer = Detokenizer(tokenizer)
            for id in try tokenizer.encode(text, addSpecialTokens: false) {
                let piece = detokenizer.append(id)
                // The added token é spells a byte that is no character, here as in the reference.
                if name != "flags" { #expect(!piece.unicodeScalars.contains("\u{FFFD}")) }
            }
            if name != "flags" { #expect(detokenizer.finish().isEmpty) }
        }
    }

    @Test("A byte that cannot become a character is U+FFFD as soon as that is certain")
    func brokenBytes() throws {
        let tokenizer = try Golden.tokenizer("o200k")
        var ids: [UInt8: Int32] = [:]
        for id in 0..<Int32(tokenizer.vocabularySize) {
            if let bytes = tokenizer.tokenBytes(id), bytes.count == 1 { ids[bytes[0]] = id }
        }
        let steps: [[(byte: UInt8, text: String)]] = [
            [(0xE2, ""), (0x82, ""), (0xAC, "€")],
            [(0xE2, ""), (0x82, ""), (0x41, "\u{FFFD}A")],
            [(0xE2, ""), (0xE2, "\u{FFFD}"), (0x82, ""), (0xAC, "€")],
            [(0xF0, ""), (0x9F, ""), (0x91, ""), (0x8D, "👍")],
            [(0xF0, ""), (0x80, "\u{FFFD}\u{FFFD}"), (0x41, "A")],
            [(0xED, ""), (0xA0, "\u{FFFD}\u{FFFD}")],
            [(0xF4, ""), (0x8F, ""), (0xBF, ""), (0xBF, "\u{10FFFF}")],
            [(0x80, "\u{FFFD}"), (0xC0, "\u{FFFD}"), (0xFF, "\u{FFFD}"), (0x41, "A")],
        ]
        for sequence in steps {
            var detokenizer = Detokenizer(tokenizer)
            for (byte, text) in sequence {
                let id = try #require(ids[byte])
                #expect(detokenizer.append(id) == text, "after \(String(byte, radix: 16))")
            }
            #expect(detokenizer.finish() == "")
        }
        var open = Detokenizer(tokenizer)
        #expect(open.append(try #require(ids[0xE2])) == "")
        #expect(open.finish() == "\u{FFFD}")
    }

    @Test("A special token leaves an open character open")
    func specialInside() throws {
        let tokenizer = try Golden.tokenizer("o200k")
        let end = try #require(tokenizer.tokenID(of: "<|end|>"))
        let ids = try tokenizer.encode("\u{10384}", addSpecialTokens: false)
        #expect(ids.count > 1)
        var detokenizer = Detokenizer(tokenizer)
        var text = ""
        for id in ids { text += detokenizer.append(id) + detokenizer.append(end) }
        #expect(text == "\u{10384}")
    }
}
