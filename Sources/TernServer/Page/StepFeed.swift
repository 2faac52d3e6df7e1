// `GET /steps?after=N`: the steps of the engine that a watcher has not seen, for the strip on the
// page. The watcher asks again and again: an open stream would hold up a graceful stop, and would
// need a clock here. What is drawn from it is the page's.

import TernEngine
import TernJSON
import TernPlanning

/// The engine's last steps as JSON.
enum StepFeed {
    /// The most steps of one answer: they take a millisecond to write.
    static let limit = 512

    /// Answers with the steps after the number in the query; with the last ones where there is no
    /// number.
    static func answer(
        _ generator: any Generator, _ request: HTTPRequest, _ exchange: HTTPExchange
    ) {
        do throws(APIError) {
            let recent = generator.steps(after: try after(request.head.target), atMost: limit)
            exchange.respond(
                HTTPResponse(
                    headers: [HTTPHeader("Cache-Control", "no-store")],
                    json: json(recent, generator.shiftPolicy)))
        } catch {
            exchange.respond(error.response)
        }
    }

    private static func after(_ target: String) throws(APIError) -> UInt64 {
        let query = target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        var after: UInt64 = 0
        for field in query.split(separator: "&") {
            guard field.hasPrefix("after=") else { continue }
            let text = field.dropFirst("after=".count)
            guard let value = UInt64(text) else {
                throw .field(
                    "after", found: String(text.prefix(40)), expected: "the number of a step")
            }
            after = value
        }
        return after
    }

    private static func json(_ recent: RecentSteps, _ policy: ShiftPolicy) -> JSON {
        let threshold: JSON =
            switch policy.rule {
            case .threshold(let tokens): .integer(tokens)
            case .pinned: .null
            }
        return [
            "now": .number(milliseconds(recent.now)), "last": .integer(Int(clamping: recent.last)),
            "threshold": threshold, "steps": .array(recent.steps.map(json)),
        ]
    }

    private static func json(_ step: StepRecord) -> JSON {
        [
            "number": .integer(Int(clamping: step.number)), "mode": .string(step.mode.rawValue),
            "tokens": .integer(step.tokens), "sequences": .integer(step.sequences),
            "end": .number(milliseconds(step.end)),
            "duration": .number(milliseconds(step.duration)),
        ]
    }

    /// To the microsecond.
    private static func milliseconds(_ duration: Duration) -> Double {
        (duration / .microseconds(1)).rounded() / 1000
    }
}
