// Stop strings in streamed text: the first one, whatever the pieces, and nothing of it emitted.

import TernText
import Testing

@Suite("StopMatcher")
struct StopMatcherTests {
    @Test("Text before a stop string is emitted, the string and what follows is not")
    func stops() {
        var matcher = StopMatcher(["\n\n", "END"])
        #expect(matcher.append("one\n") == ("one", nil))
        #expect(matcher.append("two E") == ("\ntwo ", nil))
        #expect(matcher.append("N") == ("", nil))
        #expect(matcher.append("Dx") == ("", "END"))
        #expect(matcher.append("more") == ("", "END"))
        #expect(matcher.finish() == "")
    }

    @Test("What was held back comes out at the end")
    func heldText() {
        var matcher = StopMatcher(["stop"])
        #expect(matcher.append("a sto") == ("a ", nil))
        #expect(matcher.append("p") == ("", "stop"))
        matcher = StopMatcher(["stop"])
        #expect(matcher.append("a ststo") == ("a st", nil))
        #expect(matcher.finish() == "sto")
    }

    @Test("Strings are compared by bytes, not by what looks alike")
    func bytes() {
        var matcher = StopMatcher(["caf\u{E9}"])
        #expect(matcher.append("cafe\u{301} ") == ("cafe\u{301} ", nil))
        #expect(matcher.append("caf\u{E9}") == ("", "caf\u{E9}"))
    }

    @Test("Of stop strings that end together the longest counts; empty ones never")
    func longest() {
        var matcher = StopMatcher(["", "bc", "abc", "c"])
        #expect(matcher.append("xab") == ("x", nil))
        #expect(matcher.append("c") == ("", "abc"))
        var none = StopMatcher([""])
        #expect(none.append("text") == ("text", nil))
    }

    @Test("The result is that of a search in the whole text, however it is cut")
    func pieces() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let stops = (0..<Int.random(in: 1...3, using: &chance)).map { _ in
                word(1...4, &chance)
            }
            let text = word(0...30, &chance)
            let (expected, stop) = search(text, stops)
            var matcher = StopMatcher(stops)
            var emitted = ""
            var matched: String?
            var rest = Array(text.unicodeScalars)[...]
            while !rest.isEmpty, matched == nil {
                let piece = rest.prefix(Int.random(in: 1...4, using: &chance))
                rest = rest.dropFirst(piece.count)
                let (emit, match) = matcher.append(String(String.UnicodeScalarView(piece)))
                emitted += emit
                matched = match
            }
            emitted += matcher.finish()
            #expect(emitted == expected, "seed \(seed): \(text) until \(stops)")
            #expect(matched == stop, "seed \(seed): \(text) until \(stops)")
        }
    }

    private func word(_ lengths: ClosedRange<Int>, _ chance: inout SeededGenerator) -> String {
        var word = ""
        for _ in 0..<Int.random(in: lengths, using: &chance) {
            word += ["a", "b", "é", "è", "€"].randomElement(using: &chance) ?? "a"
        }
        return word
    }

    /// The same by trying all places.
    private func search(_ text: String, _ stops: [String]) -> (String, String?) {
        let bytes = Array(text.utf8)
        for end in 0...bytes.count {
            let matches = stops.filter { bytes[..<end].reversed().starts(with: $0.utf8.reversed()) }
            if let stop = matches.max(by: { $0.utf8.count < $1.utf8.count }) {
                return (String(decoding: bytes[..<(end - stop.utf8.count)], as: UTF8.self), stop)
            }
        }
        return (text, nil)
    }
}
