// Limits that a benchmark's figures are held to, from a JSON file: what makes `make bench` fail. It
// knows no figure by name; a report's JSON says what there is.

import TernJSON

/// The limits of one file: `{"figure": {"at_least": 30, "at_most": 90}, …}`.
struct Thresholds {
    private let path: String
    private let limits: [JSONObject.Member]

    /// Throws: `UsageError` where the file cannot be read, or is something else.
    init(path: String) throws(UsageError) {
        self.path = path
        do {
            guard case .object(let object) = try JSON(parsing: FileContent.bytes(of: path)) else {
                throw UsageError("expected an object of limits by figure")
            }
            limits = object.members
        } catch {
            throw UsageError("--thresholds \(path): \(error)")
        }
    }

    /// Holds the figures of a report to the limits.
    ///
    /// Throws: `UsageError` that names every figure that misses its limit, in one line.
    func check(_ report: JSON) throws(UsageError) {
        var misses: [String] = []
        for (name, limit) in limits {
            guard let figure = report[name]?.number else {
                throw UsageError("--thresholds \(path): \(name) is no figure of this report")
            }
            let (least, most) = (limit["at_least"]?.number, limit["at_most"]?.number)
            guard least != nil || most != nil else {
                throw UsageError("--thresholds \(path): \(name) needs at_least or at_most")
            }
            if let least, !(figure >= least) { misses.append("\(name) \(figure) < \(least)") }
            if let most, !(figure <= most) { misses.append("\(name) \(figure) > \(most)") }
        }
        guard misses.isEmpty else {
            throw UsageError("--thresholds \(path) missed: " + misses.joined(separator: ", "))
        }
    }
}

extension Arguments {
    /// Thresholds for a command that measures.
    static let thresholds = Option(
        "--thresholds", value: "FILE",
        help: "fail where a figure of --json misses its limit in this JSON file")

    /// The thresholds that the flag names.
    func thresholds() throws(UsageError) -> Thresholds? {
        guard let path = try filled("--thresholds") else { return nil }
        return try Thresholds(path: path)
    }
}
