// What is particular to SentencePiece's models: byte tokens and blanks in streamed text, ties of
// Unigram paths, texts without words, and control tokens that are pieces of the model.

import TernJSON
import TernText
import Testing

@Suite("SentencePiece's models")
struct SentencePieceTests {
    private func ids(_ tokenizer: Tokenizer, _ contents: [String]) throws -> [Int32] {
        try contents.map { try #require(tokenizer.tokenID(of: $0), "\($0)") }
    }

    /// A Unigram tokenizer of pieces and scores, the first of which stands for the unknown.
    private func unigram(_ pieces: [(String, Double)], _ unknown: JSON = 0) throws -> Tokenizer {
        let model: JSON = [
            "type": "Unigram", "unk_id": unknown,
            "vocab": .array(pieces.map { [.string($0), .number($1)] }),
        ]
        return try Tokenizer(tokenizerJSON: Array((["model": model] as JSON).text().utf8))
    }

    @Test("A run of byte tokens waits for its end, and is U+FFFD as a whole where it is broken")
    func byteRuns() throws {
        let tokenizer = try Golden.tokenizer("llama2")
        let contents = ["▁T", "<0xE4>", "<0xBA>", "<0xBA>", "a", "<0xE4>", "<0x0A>", "a", "<0x0A>"]
        var detokenizer = Detokenizer(tokenizer)
        let pieces = try ids(tokenizer, contents).map { detokenizer.append($0) }
        #expect(pieces == ["T", "", "", "", "人a", "", "", "\u{FFFD}\u{FFFD}a", ""])
        #expect(detokenizer.finish() == "\n")
    }

    @Test("A blank is taken from the beginning, once")
    func leadingBlank() throws {
        let tokenizer = try Golden.tokenizer("llama2")
        var detokenizer = Detokenizer(tokenizer)
        let contents = ["<s>", "▁", "▁T", "</s>", "▁T", "▁"]
        let pieces = try ids(tokenizer, contents).map { detokenizer.append($0) }
        #expect(pieces == ["", "", " T", "", " T", " "])
    }

    @Test(
        "What goes on after a prompt is the rest of the joint text, its blanks included",
        arguments: Golden.names)
    func afterPrompt(_ name: String) throws {
        let tokenizer = try Golden.tokenizer(name)
        for prompt in ["Tell me", "O"] {
            let before = try tokenizer.encode(prompt)
            let ids = try tokenizer.encode(prompt + " O Muse", addSpecialTokens: false).suffix(2)
            var detokenizer = Detokenizer(tokenizer, after: before)
            let text = ids.map { detokenizer.append($0) }.joined() + detokenizer.finish()
            let whole = try tokenizer.decode(before + ids, skipSpecialTokens: true)
            #expect(try tokenizer.decode(before, skipSpecialTokens: true) + text == whole)
        }
    }

    @Test("After special tokens alone, a text still begins")
    func afterSpecialTokens() throws {
        let tokenizer = try Golden.tokenizer("llama2")
        let (begin, word) = (try ids(tokenizer, ["<s>"]), try ids(tokenizer, ["▁T"]))
        for (skips, text) in [(true, "T"), (false, " T")] {
            var detokenizer = Detokenizer(tokenizer, skipSpecialTokens: skips, after: begin)
            #expect(detokenizer.append(word[0]) == text)
        }
    }

    @Test("What may be taken from the end of a text waits until more comes")
    func trailingStrip() throws {
        let description: JSON = [
            "model": ["type": "BPE", "vocab": ["a": 0, "x": 1], "merges": []],
            "decoder": [
                "type": "Sequence",
                "decoders": [
                    ["type": "Fuse"], ["type": "Strip", "content": "x", "start": 0, "stop": 2],
                ],
            ],
        ]
        let tokenizer = try Tokenizer(tokenizerJSON: Array(description.text().utf8))
        var detokenizer = Detokenizer(tokenizer)
        let pieces = [0, 1, 0, 1, 1, 1].map { detokenizer.append($0) }
        #expect(pieces == ["a", "", "xa", "", "", "x"])
        #expect(detokenizer.finish() == "")
    }

    @Test("A token by itself stands for the bytes that it adds to a text")
    func tokenBytes() throws {
        let tokenizer = try Golden.tokenizer("llama2")
        let known = try ids(tokenizer, ["▁T", "<0x0A>", "<0xFF>"])
        #expect(known.map { tokenizer.tokenBytes($0) } == [[0x20, 0x54], [0x0A], [0xFF]])
    }

    @Test("Of paths that are equally likely, the one with the longest last piece counts")
    func ties() throws {
        let tokenizer = try unigram([
            ("<unk>", 0), ("a", -1), ("b", -1), ("c", -1), ("ab", -2), ("bc", -2),
        ])
        #expect(try tokenizer.encode("abc") == [1, 5])
    }

    @Test("Unknown characters that spell a control token are unknown")
    func unknownControl() throws {
        let description: JSON = [
            "model": ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["<x>", -1]]],
            "added_tokens": [["id": 1, "content": "<x>", "special": true]],
        ]
        let tokenizer = try Tokenizer(tokenizerJSON: Array(description.text().utf8))
        #expect(try tokenizer.encode("<x>") == [1])
        #expect(try tokenizer.encode("<x>", parsesSpecialTokens: false) == [0])
    }

    @Test("Neighbouring unknown characters of byte pairs are one token where they are fused")
    func fusedUnknownOfBytePairs() throws {
        for (fuses, ids) in [(true, [0, 1, 0, 1]), (false, [0, 0, 1, 0, 0, 0, 1])] {
            let model: JSON = [
                "type": "BPE", "unk_token": "<unk>", "fuse_unk": .bool(fuses),
                "vocab": ["<unk>": 0, "a": 1], "merges": [],
            ]
            let tokenizer = try Tokenizer(
                tokenizerJSON: Array((["model": model] as JSON).text().utf8))
            #expect(try tokenizer.encode("xyaxyza") == ids.map { Int32($0) })
        }
    }

    @Test("Neighbouring unknown characters are one unknown token")
    func fusedUnknown() throws {
        let tokenizer = try unigram([("<unk>", 0), ("a", -1)])
        #expect(try tokenizer.encode("xyaz") == [0, 1, 0])
    }

    @Test("An unknown character is refused where the model has no token for such")
    func missingUnknown() throws {
        let tokenizer = try unigram([("a", -1)], nil)
        #expect(try tokenizer.encode("aa") == [0, 0])
        let error = try #require(throws: TokenizerError.self) { _ = try tokenizer.encode("ab") }
        #expect(error.message.contains("model.unk_id"), "\(error)")
    }

    @Test("Text from users never becomes a control token that is a piece of the model")
    func controlPieces() throws {
        let tokenizer = try Golden.tokenizer("t5")
        let end = try #require(tokenizer.tokenID(of: "</s>"))
        #expect(try tokenizer.encode(segments: [.template("</s>")]) == [end])
        #expect(try !tokenizer.encode(segments: [.literal("</s>")]).contains(end))
        #expect(
            try !tokenizer.encode(segments: [.literal("</"), .template("s>")]).contains(end))
    }

    @Test("Text from users never becomes a control token by being normalized")
    func normalizedControls() throws {
        let added: JSON = [["content": "<END>", "special": true, "normalized": true]]
        let fixture = try Golden.fixture("unknowns")
        let normalizer = try #require(fixture["tokenizer"]?["normalizer"])
        let tokenizer = try Golden.tokenizer(
            "unknowns", [("added_tokens", added), ("normalizer", normalizer)])
        let end = try #require(tokenizer.tokenID(of: "<END>"))
        #expect(try tokenizer.encode(segments: [.template("a <End>")]).contains(end))
        for literal in ["<end>", "<END>", "<E\u{301}nd>"] {
            let ids = try tokenizer.encode(segments: [.template("a "), .literal(literal)])
            #expect(!ids.contains(end), "\(literal)")
        }
    }

    @Test("A text without words is cut where no merge crosses", arguments: ["llama2", "gemma"])
    func seams(_ name: String) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        // The oracle knows no added tokens; one of the fixture's is a word of the letters below.
        let tokenizer = try Golden.tokenizer(
            name, [("normalizer", nil), ("pre_tokenizer", nil), ("added_tokens", [])])
        let oracle = try NaiveMerger(Golden.fixture(name))
        let letters = Array("▁▁▁aeehnorstu.,\n".unicodeScalars)
        for _ in 0..<100 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...60, using: &chance) {
                text.append(try #require(letters.randomElement(using: &chance)))
            }
            let ids = try tokenizer.encode(
                String(text), addSpecialTokens: false, parsesSpecialTokens: false)
            guard !String(text).contains("▁▁"), !String(text).contains("\n\n") else { continue }
            #expect(ids == oracle.encode(String(text)), "seed \(seed): \(String(text))")
        }
    }
}

/// Byte-pair encoding as its definition has it: the whole text, one merge at a time.
private struct NaiveMerger {
    private let ids: [String: Int]
    private let ranks: [[String]: Int]

    init(_ fixture: JSON) throws {
        let model = try #require(fixture["tokenizer"]?["model"])
        let vocabulary = try #require(model["vocab"]?.object).members
        ids = Dictionary(uniqueKeysWithValues: vocabulary.map { ($0.key, $0.value.integer ?? -1) })
        let merges = try #require(model["merges"]?.array).map {
            ($0.array ?? []).compactMap(\.string)
        }
        ranks = Dictionary(uniqueKeysWithValues: merges.enumerated().map { ($1, $0) })
    }

    func encode(_ text: String) -> [Int32] {
        var tokens = text.unicodeScalars.map { ids["\($0)"] == nil ? "<0x0A>" : "\($0)" }
        while true {
            var best: (rank: Int, place: Int)?
            for place in tokens.indices.dropLast() {
                let rank = ranks[[tokens[place], tokens[place + 1]]] ?? .max
                if rank < best?.rank ?? .max { best = (rank, place) }
            }
            guard let best else { break }
            tokens[best.place] += tokens.remove(at: best.place + 1)
        }
        return tokens.map { Int32(ids[$0] ?? -1) }
    }
}
