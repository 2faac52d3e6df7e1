// A trace of requests: JSON lines with sizes and times, in one of two spellings. Prompts are not in
// it; the workload makes them.

import TernBench
import TernJSON

/// The requests of a trace, each with the line that told it.
struct TraceFile {
    /// The file as it was named.
    let path: String
    /// The requests, in the order of the lines.
    let workload: Workload
    private let lines: [Int]

    /// The largest count of tokens that is believed.
    private static let mostTokens = 1 << 24
    /// The latest arrival that is believed, in seconds; a clock's time is below it.
    private static let latest = 1e10

    /// Reads a trace, no more requests than a limit.
    ///
    /// A line is `{"timestamp": MILLISECONDS, "input_length": N, "output_length": N}`, as public
    /// traces have it, or `{"prompt_tokens": N, "output_tokens": N, "arrival": SECONDS}`, where the
    /// arrival may be left out. Arrivals count from the earliest, so that they may be times of a clock.
    /// Other members are not read, nor are empty lines.
    ///
    /// Throws: `UsageError` with file and line.
    init(path: String, limit: Int) throws(UsageError) {
        self.path = path
        let content: [UInt8]
        do {
            content = try FileContent.bytes(of: path)
        } catch {
            throw UsageError("--trace \(path): \(error)")
        }
        var requests: [Workload.Request] = []
        var lines: [Int] = []
        let newline = UInt8(ascii: "\n")
        for (index, line) in content.split(separator: newline, omittingEmptySubsequences: false)
            .enumerated()
        {
            guard requests.count < limit else { break }
            guard !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) else {
                continue
            }
            do {
                requests.append(try Self.request(JSON(parsing: line)))
            } catch {
                throw UsageError("\(path):\(index + 1): \(error)")
            }
            lines.append(index + 1)
        }
        guard !requests.isEmpty else { throw UsageError("--trace \(path): has no request") }
        workload = Workload(requests).fromFirstArrival
        self.lines = lines
    }

    /// Where a request stands, as `file:line`.
    func place(of request: Int) -> String { "\(path):\(lines[request])" }

    private static func request(_ line: JSON) throws(UsageError) -> Workload.Request {
        if line["input_length"] != nil || line["output_length"] != nil {
            return Workload.Request(
                promptTokens: try tokens(line, "input_length"),
                outputTokens: try tokens(line, "output_length"),
                arrival: try time(line, "timestamp", unitsPerSecond: 1000))
        }
        guard line["prompt_tokens"] != nil || line["output_tokens"] != nil else {
            throw UsageError(
                "found no lengths; expected timestamp, input_length and output_length, or "
                    + "prompt_tokens, output_tokens and arrival")
        }
        return Workload.Request(
            promptTokens: try tokens(line, "prompt_tokens"),
            outputTokens: try tokens(line, "output_tokens"), arrival: try time(line, "arrival"))
    }

    private static func tokens(_ line: JSON, _ name: String) throws(UsageError) -> Int {
        guard let count = line[name]?.integer, (1...mostTokens).contains(count) else {
            throw UsageError(
                "\(name) is \(line[name]?.text() ?? "missing"); it must be a whole number from 1 "
                    + "to \(mostTokens)")
        }
        return count
    }

    private static func time(
        _ line: JSON, _ name: String, unitsPerSecond: Double = 1
    ) throws(UsageError) -> Double {
        guard let value = line[name] else { return 0 }
        let most = latest * unitsPerSecond
        guard let time = value.number, (0...most).contains(time) else {
            throw UsageError("\(name) is \(value.text()); it must be a number from 0 to \(most)")
        }
        return time / unitsPerSecond
    }
}
