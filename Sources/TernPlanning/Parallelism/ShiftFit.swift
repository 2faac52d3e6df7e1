// The threshold that measured step times ask for. It is handed seconds and measures nothing itself;
// the policy that comes of it is ShiftPolicy's.

/// Times of one kind of step, repeated.
public struct RepeatedTime: Sendable, Equatable {
    /// The middle one, in seconds; the mean of two where their number is even.
    public let median: Double
    /// Half the spread of the middle half, in seconds: one disturbed run must hide nothing.
    public let deviation: Double

    /// Sums up measurements; there must be one at least.
    public init(_ seconds: [Double]) {
        precondition(!seconds.isEmpty, "a median of 0 measurements, 1 is the least")
        let sorted = seconds.sorted()
        median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        let quarter = sorted.count / 4
        deviation = (sorted[sorted.count - 1 - quarter] - sorted[quarter]) / 2
    }

    /// The deviation as a share of the median.
    public var noise: Double { median > 0 ? deviation / median : 0 }

    /// Whether the median lies below another by more than both deviations: beyond the noise.
    public func isBelow(_ other: RepeatedTime) -> Bool {
        other.median - median > deviation + other.deviation
    }
}

/// Steps of so many tokens in both modes.
public struct ShiftRung: Sendable, Equatable {
    /// Tokens of the step.
    public let tokens: Int
    /// Times in tensor mode.
    public let tensor: RepeatedTime
    /// Times in sequence mode.
    public let sequence: RepeatedTime

    /// A rung from measurements in seconds.
    public init(tokens: Int, tensor: [Double], sequence: [Double]) {
        self.tokens = tokens
        self.tensor = RepeatedTime(tensor)
        self.sequence = RepeatedTime(sequence)
    }

    /// The mode whose median is lower beyond the noise; nil within it.
    public var faster: ParallelMode? {
        if sequence.isBelow(tensor) { return .sequence }
        return tensor.isBelow(sequence) ? .tensor : nil
    }
}

/// A threshold fitted to rungs.
public struct ShiftFit: Sendable, Equatable {
    /// What the rungs showed.
    public enum Outcome: Sendable, Equatable {
        /// Sequence mode wins from some rung on.
        case crossing
        /// Sequence mode wins at every rung.
        case sequenceThroughout
        /// Tensor mode wins somewhere, and sequence mode nowhere beyond.
        case tensorThroughout
        /// Neither wins anywhere.
        case withinNoise
    }

    /// Ascending in tokens.
    public let rungs: [ShiftRung]
    /// What they showed.
    public let outcome: Outcome
    /// The last rung before sequence mode wins, where tensor mode does not win again; `Int.max`
    /// where there is none.
    public let threshold: Int
    /// How long the measurements took.
    public let duration: Duration

    /// Fits a threshold to rungs, ascending in tokens, whose measurement took so long.
    public init(_ rungs: [ShiftRung], measuredIn duration: Duration) {
        let ascends = zip(rungs, rungs.dropFirst()).allSatisfy { $0.tokens < $1.tokens }
        precondition(ascends, "rungs \(rungs.map(\.tokens)), they must ascend")
        self.rungs = rungs
        self.duration = duration
        // Where tensor mode wins at a rung, a win of sequence mode below it was luck.
        let start = rungs.lastIndex { $0.faster == .tensor }.map { $0 + 1 } ?? 0
        guard let first = rungs[start...].firstIndex(where: { $0.faster == .sequence }) else {
            (outcome, threshold) = (start > 0 ? .tensorThroughout : .withinNoise, .max)
            return
        }
        outcome = first == 0 ? .sequenceThroughout : .crossing
        threshold = first == 0 ? 0 : rungs[first - 1].tokens
    }

    /// The policy that the threshold makes.
    public var policy: ShiftPolicy { ShiftPolicy(.threshold(threshold)) }

    /// A table of the rungs and what follows from them, a line each.
    public var lines: [String] {
        let head = Self.row(["tokens", "tensor ms", "noise", "sequence ms", "noise", "faster"])
        return [head] + rungs.map(Self.row)
            + ["shift: \(conclusion); measured in \(seconds) s"]
    }

    /// The choice and its reason.
    public var conclusion: String {
        guard let last = rungs.last?.tokens else {
            return "tensor mode for every step, none was measured in time"
        }
        return switch outcome {
        case .crossing: "tensor mode up to \(threshold) tokens, sequence mode beyond"
        case .sequenceThroughout: "sequence mode for every step, faster from 1 token on"
        case .tensorThroughout:
            "tensor mode for every step, sequence mode is not faster up to \(last) tokens"
        case .withinNoise:
            "tensor mode for every step, the modes differ by less than the noise "
                + "up to \(last) tokens"
        }
    }

    private var seconds: String { Self.fixed(duration / .seconds(1), digits: 2) }

    private static func row(_ rung: ShiftRung) -> String {
        var cells = [String(rung.tokens)]
        for time in [rung.tensor, rung.sequence] {
            cells.append(fixed(time.median * 1000, digits: 3))
            cells.append(fixed(time.noise * 100, digits: 1) + " %")
        }
        return row(cells + [rung.faster?.rawValue ?? "-"])
    }

    private static func row(_ cells: [String]) -> String {
        cells.reduce("shift:") { line, cell in
            line + String(repeating: " ", count: max(1, 12 - cell.count)) + cell
        }
    }

    /// A number of at least zero with so many digits after its point.
    private static func fixed(_ value: Double, digits: Int) -> String {
        let unit = (0..<digits).reduce(1) { power, _ in power * 10 }
        let scaled = Int((value * Double(unit)).rounded())
        let fraction = String(scaled % unit)
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(scaled / unit).\(zeros)\(fraction)"
    }
}
