import TernJSON
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("Members keep their order, and keys differ by bytes")
    func orderAndBytes() throws {
        let value = try JSON(parsing: #"{"z": 1, "\u00e9": 2, "e\u0301": 3, "a": 4}"#)
        #expect(value.object?.members.map(\.key.utf8.count) == [1, 2, 3, 1])
        #expect(value["\u{e9}"] == 2)
        #expect(value["e\u{301}"] == 3)
    }

    @Test("Of equal keys the last one counts")
    func duplicates() throws {
        #expect(try JSON(parsing: #"{"a": 1, "a": 2}"#)["a"] == 2)
    }

    @Test("What is written reads back to the same value")
    func roundTrip() throws {
        let value: JSON = [
            "text": "tab\t quote\" back\\ bell\u{7} €😀\r\n", "list": [1, -2.5, 1e300, true, nil],
            "nested": ["empty": [], "object": [:]],
        ]
        for style in [JSONStyle.compact, .spaced, JSONStyle(indent: 2, escapesNonASCII: true)] {
            #expect(try JSON(parsing: value.text(style)) == value)
        }
    }

    @Test("Text that is no JSON is refused with the byte where it breaks")
    func refusals() {
        let cases: [(String, Int)] = [
            ("", 0), ("[1,]", 3), ("{\"a\" 1}", 5), ("01", 1), ("[1] x", 4), ("\"\\ud800\"", 7),
            ("\"a", 2), ("tru", 0), ("1e999", 0), ("\"\u{1}\"", 1), ("-", 1), ("{1:2}", 1),
        ]
        for (text, offset) in cases {
            #expect("\(text) at \(offset)") {
                try JSON(parsing: text)
            } throws: {
                ($0 as? JSONError)?.offset == offset
            }
        }
    }

    @Test("Nesting beyond the bound and bytes that are not UTF-8 are refused")
    func bounds() throws {
        let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
        #expect(throws: JSONError.self) { try JSON(parsing: deep) }
        #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test("Indented text is laid out as Python's json.dumps lays it out")
    func pythonIndent() throws {
        let value: JSON = ["a": [1, 2], "b": [:], "c": []]
        let expected = "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}"
        #expect(
            value.text(JSONStyle(itemSeparator: ", ", keySeparator: ": ", indent: 2)) == expected)
    }
}
