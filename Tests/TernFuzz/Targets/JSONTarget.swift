// Fuzzes the JSON that everything else stands on: what was read is written and read again, and must be
// the same.

import TernJSON

/// The parser and the writer.
enum JSONTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let seeds = [
            #"{"a": [1, -2.5e3, true, null, "x\u0041\ud83d\ude00\n"], "b": {"c": ""}}"#,
            #"[[[[]]], {"": 0.1, "e": 1e-7}, 9223372036854775807, -9223372036854775808, 1E+300]"#,
            "\"\u{E9}\u{65E5}\u{1F600}\\/\\\\\\b\\f\\t\\r\"",
        ].map { Array($0.utf8) }
        return FuzzTarget(
            name: "json", language: .json,
            seeds: seeds + (try corpus.files(in: "Models/telemachus", ending: "config.json")),
            words: [
                "\\u", "\\ud800", "\\udc00", "{\"a\":", "[", "]", "}", "\"", "\\", "-", "1e", ".0",
                "tru", "\u{FEFF}", "\u{0}", ",", ":",
            ]
        ) { input in
            guard let value = try? JSON(parsing: input) else { return }
            for style in [JSONStyle.compact, .spaced] {
                let again = try? JSON(parsing: value.text(style))
                // A number beyond all doubles is infinite, which JSON has no word for.
                precondition(
                    again == value || value.text().contains("null"),
                    "read \(value.text()), read again \(again?.text() ?? "nothing")")
            }
        }
    }
}
