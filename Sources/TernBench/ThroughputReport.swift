// What `tern bench throughput` measured: rates of a whole workload and the times of its requests,
// beside the limits of the machine from the same run. It runs nothing.

import TernPlanning

/// When one request was served, in seconds from the start of the run.
public struct RequestTimes: Sendable, Equatable {
    /// Its sizes, and when it was to be entered.
    public let request: Workload.Request
    /// When its first token came.
    public let firstToken: Double
    /// When its last token came.
    public let end: Double

    /// Times as observed.
    public init(_ request: Workload.Request, firstToken: Double, end: Double) {
        self.request = request
        self.firstToken = firstToken
        self.end = end
    }

    /// From arrival to the first token; a wait before it was entered counts.
    public var timeToFirstToken: Double { firstToken - request.arrival }
    /// From arrival to the last token.
    public var endToEnd: Double { end - request.arrival }
    /// From one token to the next, averaged; nil where there is one token only.
    public var timePerOutputToken: Double? {
        request.outputTokens > 1 ? (end - firstToken) / Double(request.outputTokens - 1) : nil
    }
}

/// What the engine counted during a run.
public struct RunCounts: Sendable, Equatable {
    /// Steps executed, by mode.
    public let steps: [ParallelMode: Int]
    /// How often a sequence lost its blocks.
    public let preemptions: Int
    /// Prompt tokens that were looked up in the prefix cache.
    public let prefixQueryTokens: Int
    /// Prompt tokens that it spared.
    public let prefixHitTokens: Int

    /// Counts of one run.
    public init(
        steps: [ParallelMode: Int], preemptions: Int, prefixQueryTokens: Int, prefixHitTokens: Int
    ) {
        self.steps = steps
        self.preemptions = preemptions
        self.prefixQueryTokens = prefixQueryTokens
        self.prefixHitTokens = prefixHitTokens
    }

    /// Steps in any mode.
    public var allSteps: Int { steps.values.reduce(0, +) }

    /// The share of the steps that ran in a mode, from 0 to 1.
    public func share(of mode: ParallelMode) -> Double {
        Double(steps[mode] ?? 0) / Double(max(1, allSteps))
    }
}

/// What a run must at least do, were every prompt computed once.
public struct RunWork: Sendable, Equatable {
    /// Float32 operations for all tokens.
    public let operations: Double
    /// Bytes of weights in every step, and of the cache for every decoded token.
    public let bytes: Double

    /// Work as counted from the model's shape.
    public init(operations: Double, bytes: Double) {
        self.operations = operations
        self.bytes = bytes
    }
}

/// The throughput of one run.
public struct ThroughputReport: Sendable, Equatable {
    /// All requests, as they were served; there is one at least.
    public let requests: [RequestTimes]
    /// What the engine counted.
    public let counts: RunCounts
    /// Whether the ranks can shift between modes: only then do the shares mean something.
    public let shifts: Bool
    /// What the run must do.
    public let work: RunWork
    /// What the machine can do.
    public let rates: MachineRates

    /// A report of a run.
    public init(
        requests: [RequestTimes], counts: RunCounts, shifts: Bool, work: RunWork,
        rates: MachineRates
    ) {
        precondition(!requests.isEmpty, "a report of no request")
        self.requests = requests
        self.counts = counts
        self.shifts = shifts
        self.work = work
        self.rates = rates
    }

    /// Seconds from the first arrival to the last token.
    public var elapsed: Double {
        let first = requests.map(\.request.arrival).min() ?? 0
        return (requests.map(\.end).max() ?? first) - first
    }
    /// Tokens of all prompts.
    public var promptTokens: Int { requests.reduce(0) { $0 + $1.request.promptTokens } }
    /// Tokens generated.
    public var outputTokens: Int { requests.reduce(0) { $0 + $1.request.outputTokens } }

    /// So many of something, per second of the run.
    public func perSecond(_ count: Int) -> Double { Double(count) / elapsed }

    /// Seconds from arrival to first token.
    public var timeToFirstToken: Percentiles { Percentiles(requests.map(\.timeToFirstToken)) }
    /// Seconds from arrival to last token.
    public var endToEnd: Percentiles { Percentiles(requests.map(\.endToEnd)) }
    /// Seconds per token after the first; nil where no request has a second one.
    public var timePerOutputToken: Percentiles? {
        let times = requests.compactMap(\.timePerOutputToken)
        return times.isEmpty ? nil : Percentiles(times)
    }

    /// Share of the float32 peak that the run reached, from 0 to 1.
    public var shareOfPeak: Double { work.operations / elapsed / rates.operationsPerSecond }
    /// Share of the read bandwidth that the run reached, from 0 to 1.
    public var shareOfReadLimit: Double { work.bytes / elapsed / rates.readBytesPerSecond }
}
