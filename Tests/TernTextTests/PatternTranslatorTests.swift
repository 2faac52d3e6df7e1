// How patterns are rewritten for PCRE2, what is refused, and that splits are Oniguruma's where the
// two engines differ.

import Testing

@testable import TernText

@Suite("PatternTranslator")
struct PatternTranslatorTests {
    @Test(
        "What the engines read differently is rewritten",
        arguments: [
            (#"a{,3}"#, "a{0,3}"), (#"ab{1,2}+"#, "a(?:b{1,2})+"), (#"\v"#, #"\x0b"#),
            (#"\u00e9"#, #"\x{e9}"#), (#"(?:ab){2}+"#, #"(?:(?:ab){2})+"#),
            (
                #"[\s-x]"#,
                #"[\t-\r\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\-x]"#
            ),
            (#"\p{Thai}"#, #"[\p{sc:Thai}]"#), (#"\P{Zs}"#, #"[^\p{Zs}]"#), (#"a++b*?"#, "a++b*?"),
        ])
    func rewrites(_ pattern: String, _ expected: String) throws {
        let translated = try PatternTranslator.translate(pattern)
        #expect(String(decoding: translated, as: UTF8.self) == expected)
    }

    @Test(
        "What could be misread is refused",
        arguments: [
            "[a&&b]", "[a[b]]", "[", "[]", "[^]", #"\w"#, #"\b"#, #"\h"#, #"\1"#, #"\K"#, #"\Qa\E"#,
            #"\pL"#, #"\p{"#, #"\p{L&}"#, "(?m)a", "(?<n>a)", "(?R)", "(*UTF)a", "(?i:ss)",
            "(?i:ST)", "{", "a{x}", "a{2}?", #"\"#, #"\xE4"#, #"\x{110000}"#, #"\x{41"#, #"\u00"#,
            #"\G"#, "(?#note)", "(?=", "a)", "*",
        ])
    func refuses(_ pattern: String) {
        #expect(throws: PatternProblem.self) { _ = try SplitPattern(pattern) }
    }

    @Test("Matches are found as the pattern's own engine finds them")
    func matches() throws {
        let cases: [(String, String, [String])] = [
            (#"\s+"#, "a\u{180E}b \u{3000}c", [" \u{3000}"]),
            (#"^b|c$"#, "b\nbc\nc", ["b", "b", "c", "c"]),
            (#"(?i:'s)"#, "'\u{17F}'S's", ["'\u{17F}", "'S", "'s"]),
            (#"\p{N}{1,3}+"#, "1234567", ["1234567"]),
            (#"x*"#, "axx", ["", "xx"]),
            (#"\p{L}+"#, "\u{10D4A}\u{31350}", ["\u{10D4A}\u{31350}"]),
            (#"."#, "\r\n\u{2028}", ["\r", "\u{2028}"]),
        ]
        for (pattern, text, expected) in cases {
            let bytes = Array(text.utf8)
            var found: [String] = []
            try SplitPattern(pattern).makeSearch().forEachMatch(in: bytes, bytes.indices) { range in
                found.append(String(decoding: bytes[range], as: UTF8.self))
            }
            #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(pattern)")
        }
    }

    @Test("A match that takes too many steps ends in an error, not in a hang")
    func limits() throws {
        let bytes = Array((String(repeating: "a", count: 40) + "b").utf8)
        let search = try SplitPattern("(?:a+)+[cd]").makeSearch()
        #expect(throws: TokenizerError.self) {
            try search.forEachMatch(in: bytes, bytes.indices) { _ in }
        }
    }
}
