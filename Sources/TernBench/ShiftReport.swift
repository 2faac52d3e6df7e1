// What `tern bench shift` measured: the time of a step by its number of tokens, in each mode and
// under the policy in force, with the noise and the bytes moved, and whether the policy keeps up with
// the better mode. The plot is ShiftPlot's.

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
        /// Bytes that a rank receives in tensor mode; of the rank that receives most.
        public let tensorBytes: Int
        /// The same in sequence mode.
        public let sequenceBytes: Int
        /// What the step must at least do, in either mode.
        public let work: RunWork

        /// A row from measurements in seconds and bytes.
        public init(
            tokens: Int, tensor: [Double], sequence: [Double], shift: [Double],
            tensorBytes: Int, sequenceBytes: Int, work: RunWork
        ) {
            self.tokens = tokens
            self.tensor = RepeatedTime(tensor)
            self.sequence = RepeatedTime(sequence)
            self.shift = RepeatedTime(shift)
            self.tensorBytes = tensorBytes
            self.sequenceBytes = sequenceBytes
            self.work = work
        }

        /// Whether the policy is within the noise of the mode with the lower median, or below it.
        public var keepsUp: Bool {
            !(tensor.median < sequence.median ? tensor : sequence).isBelow(shift)
        }
    }

    /// What ran, for the title.
    public let title: String
    /// The policy in force.
    public let policy: ShiftPolicy
    /// Ascending in tokens.
    public let rows: [Row]
    /// What the machine can do.
    public let rates: MachineRates
    /// How long it took to measure the policy; nil where it was given.
    public let measuring: Duration?

    /// A report of measurements.
    public init(
        title: String, policy: ShiftPolicy, rows: [Row], rates: MachineRates,
        measuring: Duration? = nil
    ) {
        self.title = title
        self.policy = policy
        self.rows = rows
        self.rates = rates
        self.measuring = measuring
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

    /// Numbers of tokens at which the policy does not keep up with the better mode.
    public var laggingTokens: [Int] { rows.filter { !$0.keepsUp }.map(\.tokens) }

    /// Bytes moved in tensor mode as a multiple of those in sequence mode, in the largest step; nil
    /// where sequence mode moves none.
    public var tensorBytesRatio: Double? {
        guard let row = rows.last, row.sequenceBytes > 0 else { return nil }
        return Double(row.tensorBytes) / Double(row.sequenceBytes)
    }

    /// Share of the limit that bounds a step of this size (the larger of the floors by memory and by
    /// arithmetic) that the policy reached, from 0 to 1.
    public func shareOfLimit(_ row: Row) -> Double {
        rates.floor(operations: row.work.operations, bytes: row.work.bytes) / row.shift.median
    }

    /// Whether the policy keeps up, in words.
    public var verdict: String {
        let lagging = laggingTokens
        guard !lagging.isEmpty else {
            return "shift is within the noise of the better mode at all \(rows.count) sizes"
        }
        let sizes = lagging.map(String.init).joined(separator: ", ")
        return "shift is slower than the better mode, beyond the noise, at \(lagging.count) of "
            + "\(rows.count) sizes: \(sizes) tokens"
    }

    /// For a person: medians, half the spread as a share of each, the share of the limit that bounds
    /// the step, kilobytes a rank received.
    public var table: String {
        let head = [
            "tokens", "tensor ms", "sequence ms", "shift ms", "of limit", "mode", "tensor KB",
            "sequence KB",
        ]
        let body = rows.map { row in
            [String(row.tokens)] + [row.tensor, row.sequence, row.shift].map(Self.cell)
                + ["\(Int((100 * shareOfLimit(row)).rounded())) %"]
                + [policy.mode(tokens: row.tokens).rawValue + (row.keepsUp ? "" : " (slower)")]
                + [row.tensorBytes, row.sequenceBytes].map { (Double($0) / 1000).text(decimals: 2) }
        }
        let widths = [7, 17, 17, 17, 10, 19, 13, 13]
        let lines = ([head] + body).map { cells in
            zip(cells, widths).map { cell, width in
                String(repeating: " ", count: max(1, width - cell.count)) + cell
            }.joined()
        }
        let time = measuring.map { "; measured in \(($0 / .seconds(1)).text(decimals: 2)) s" } ?? ""
        let text = [title, "shift: " + choice + time] + lines + ["verdict: " + verdict]
        return text.joined(separator: "\n") + "\n"
    }

    private static func cell(_ time: RepeatedTime) -> String {
        "\((time.median * 1000).text(decimals: 2)) ±\(Int((time.noise * 100).rounded())) %"
    }
}
