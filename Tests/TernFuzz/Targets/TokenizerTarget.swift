// Fuzzes tokenizer.json: what is accepted encodes and decodes texts of all kinds, in bounded time.

import TernText

/// The reader of tokenizers, and the tokenizers it makes.
enum TokenizerTarget {
    private static let texts = [
        "The hero said: \"It's 1,234 caf\u{E9}s\"\r\n\n\t e\u{301}\u{1F468}\u{200D}\u{1F469} "
            + "\u{AC00}\u{1100}\u{1161} \u{FB01} \u{130}\u{DF} <|end|><s>\u{0}\u{10FFFF}",
        String(repeating: "a", count: 3000), String(repeating: " \n", count: 500), "",
    ]

    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        // The golden files hold a tokenizer each, beside what it is to answer.
        let seeds = try corpus.files(in: "Tests/Golden/tokenizers", ending: ".json").map {
            Array(try TokenizerSeed.tokenizer(in: $0).utf8)
        }
        return FuzzTarget(
            name: "tokenizer", language: .json, seeds: seeds,
            words: [
                "\"type\":\"", "Split", "Regex", "ByteLevel", "Metaspace", "(a+)+$", "(?i:",
                "\\p{L}",
                "[^", "&&", "Unigram", "BPE", "\"id\":", "Sequence", "NFKC", "Replace", "Prepend",
            ], inputBytes: 1 << 17
        ) { input in
            guard let tokenizer = try? Tokenizer(tokenizerJSON: input) else { return }
            for text in texts {
                guard let tokens = try? tokenizer.encode(text) else { continue }
                _ = try? tokenizer.decode(tokens, skipSpecialTokens: false)
                for token in tokens.prefix(20) { _ = tokenizer.tokenBytes(token) }
            }
            _ = try? tokenizer.encode(segments: [.template("<s>x"), .literal("<s>\u{E9} y")])
            _ = try? tokenizer.decode(Array(-1..<99), skipSpecialTokens: true)
        }
    }
}
