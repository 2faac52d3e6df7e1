// What `tern bench shift` measured: the time of a step by its number of tokens, in each mode and
// under the policy in force, with the noise. The plot is ShiftPlot's.

import TernPlanning

/// Step times over a ladder of token counts.
public struct ShiftReport: Sendable, Equatable {
    /// The steps of one size.
    public struct Row: Sendable, Equatable {
        /// Tokens of each step.
        public let tokens: Int
        /// In tensor mode.
        public let tensor: RepeatedTime
        /// In sequence mode.
        public let sequence: RepeatedTime
        /// In the mode that the policy chose.
        public let shift: RepeatedTime

        /// A row from measurements in seconds.
        public init(tokens: Int, tensor: [Double], sequence: [Double], shift: [Double]) {
            self.tokens = tokens
            self.tensor = RepeatedTime(tensor)
            self.sequence = RepeatedTime(sequence)
            self.shift = RepeatedTime(shift)
        }
    }

    /// What ran, for the title.
    public let title: String
    /// The policy in force.
    public let policy: ShiftPolicy
    /// Ascending in tokens.
    public let rows: [Row]

    /// A report of measurements.
    public init(title: String, policy: ShiftPolicy, rows: [Row]) {
        self.title = title
        self.policy = policy
        self.rows = rows
    }

    /// The most tokens of a step in tensor mode; nil where no number of tokens changes the mode.
    public var threshold: Int? {
        switch policy.rule {
        case .threshold(let threshold): (1 ..< .max).contains(threshold) ? threshold : nil
        case .pinned: nil
        }
    }

    /// What the policy does, in words.
    public var choice: String {
        if let threshold { return "tensor mode up to \(threshold) tokens, sequence mode beyond" }
        return "\(policy.mode(tokens: 1).rawValue) mode for every step"
    }

    /// For a person: medians, and half the spread as a share of each.
    public var table: String {
        let head = ["tokens", "tensor ms", "sequence ms", "shift ms", "mode"]
        let body = rows.map { row in
            [String(row.tokens)] + [row.tensor, row.sequence, row.shift].map(Self.cell)
                + [policy.mode(tokens: row.tokens).rawValue]
        }
        let lines = ([head] + body).map { cells in
            cells.map { String(repeating: " ", count: max(1, 18 - $0.count)) + $0 }.joined()
        }
        return ([title, "shift: " + choice] + lines).joined(separator: "\n") + "\n"
    }

    private static func cell(_ time: RepeatedTime) -> String {
        let hundredths = Int((time.median * 100_000).rounded())
        let fraction = hundredths % 100
        let percent = Int((time.noise * 100).rounded())
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) ±\(percent) %"
    }
}
