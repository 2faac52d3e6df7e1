// What the server says while it runs, a line at a time: a sentence for a person, or a JSON object for
// a collector of logs. Where lines go is the caller's business.

import Glibc
import TernJSON

/// How lines are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For a person.
    case text
    /// One object a line.
    case json

    /// A line that only says something.
    public func line(_ message: String) -> String {
        switch self {
        case .text: message
        case .json: line("note", [("message", .string(message))])
        }
    }

    /// A line about an event with its figures: `2026-01-31T12:00:00.250Z event key=value …`.
    func line(_ event: String, _ fields: [JSONObject.Member]) -> String {
        switch self {
        case .text:
            ([Self.time, event] + fields.map { "\($0.key)=\(Self.word($0.value))" })
                .joined(separator: " ")
        case .json:
            JSON.object(
                JSONObject([("time", .string(Self.time)), ("event", .string(event))] + fields)
            ).text()
        }
    }

    /// A value without blanks stands as it is; others, and what came from a client and could end the
    /// line, in quotes.
    private static func word(_ value: JSON) -> String {
        guard let text = value.string else { return value.text() }
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
            }
        return isPlain ? text : value.text(JSONStyle(escapesNonASCII: true))
    }

    /// The time in UTC, to the millisecond.
    private static var time: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func digits(_ number: some BinaryInteger, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-"
        return date + "\(digits(parts.tm_mday, 2))T\(digits(parts.tm_hour, 2)):"
            + "\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))."
            + "\(digits(now.tv_nsec / 1_000_000, 3))Z"
    }
}
