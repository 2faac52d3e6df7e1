// What `tern bench latency` measured, beside the limits of the machine from the same run. Speed is
// stated as a share of a limit; bare seconds say little about an engine. Limits are probed after every
// repetition, for on a shared host they move within a minute: a share is of the limit beside it.

/// The physical limits of a machine that bound a step.
public struct MachineRates: Sendable, Equatable {
    /// Bytes per second that all cores together read from memory.
    public let readBytesPerSecond: Double
    /// Float32 operations per second that all cores together do in fused multiply-adds.
    public let operationsPerSecond: Double
    /// Operations per second that all cores together do in products of int8, in the fastest unit that
    /// they have; nil where they have none.
    public let int8OperationsPerSecond: Double?

    /// Rates as probed.
    public init(
        readBytesPerSecond: Double, operationsPerSecond: Double,
        int8OperationsPerSecond: Double? = nil
    ) {
        self.readBytesPerSecond = readBytesPerSecond
        self.operationsPerSecond = operationsPerSecond
        self.int8OperationsPerSecond = int8OperationsPerSecond
    }

    /// The least time that some work takes: the larger of the two floors. Unit: seconds.
    public func floor(operations: Double, bytes: Double) -> Double {
        max(operations / operationsPerSecond, bytes / readBytesPerSecond)
    }
}

/// What the two phases of a batch must at least do.
public struct BatchWork: Sendable, Equatable {
    /// Float32 operations to compute all prompts.
    public let prefillOperations: Double
    /// Bytes of weights and cache that one decode step reads.
    public let decodeBytes: Double

    /// Work as counted from the model's shape.
    public init(prefillOperations: Double, decodeBytes: Double) {
        self.prefillOperations = prefillOperations
        self.decodeBytes = decodeBytes
    }
}

/// What a step costs the engine's loop, in seconds of processor time.
public struct LoopWork: Sendable, Equatable {
    /// To schedule, plan, hand over and commit.
    public let planning: Double
    /// To make text of the tokens.
    public let text: Double

    /// Work as counted by the engine.
    public init(planning: Double, text: Double) {
        self.planning = planning
        self.text = text
    }
}

/// One repetition of a batch, and what the machine could do right after it.
public struct LatencyRepetition: Sendable, Equatable {
    /// Seconds until the last sequence has its first token.
    public let timeToFirstToken: Double
    /// Seconds from one token to the next, averaged over a sequence.
    public let timePerOutputToken: Double
    /// What products took of it; nil where they were not timed.
    public let products: PhaseProducts?
    /// What the machine can do.
    public let rates: MachineRates

    /// A repetition as measured.
    public init(
        timeToFirstToken: Double, timePerOutputToken: Double, products: PhaseProducts? = nil,
        rates: MachineRates
    ) {
        self.timeToFirstToken = timeToFirstToken
        self.timePerOutputToken = timePerOutputToken
        self.products = products
        self.rates = rates
    }
}

/// The latency of one batch, repeated.
public struct LatencyReport: Sendable, Equatable {
    /// Tokens of each prompt.
    public let inputLength: Int
    /// Tokens generated after each prompt.
    public let outputLength: Int
    /// Sequences at once.
    public let batchSize: Int
    /// Ranks that share the machine.
    public let ranks: Int
    /// Repetitions, one at least.
    public let repetitions: [LatencyRepetition]
    /// Seconds of processor time that the engine's loop took a step for work of its own.
    public let loopWork: LoopWork
    /// Memory that the process held, beside what weights and the batch's tokens take.
    public let memory: ResidentBytes
    /// What the phases must do.
    public let work: BatchWork

    /// A report of measurements.
    public init(
        inputLength: Int, outputLength: Int, batchSize: Int, ranks: Int,
        repetitions: [LatencyRepetition], loopWork: LoopWork, memory: ResidentBytes,
        work: BatchWork
    ) {
        self.inputLength = inputLength
        self.outputLength = outputLength
        self.batchSize = batchSize
        self.ranks = ranks
        self.repetitions = repetitions
        self.loopWork = loopWork
        self.memory = memory
        self.work = work
    }

    /// Seconds until the last sequence has its first token.
    public var timeToFirstToken: Percentiles { Percentiles(repetitions.map(\.timeToFirstToken)) }
    /// Seconds from one token to the next, averaged over a sequence.
    public var timePerOutputToken: Percentiles {
        Percentiles(repetitions.map(\.timePerOutputToken))
    }
    /// What the machine could do: medians of the repetitions.
    public var rates: MachineRates {
        let int8 = repetitions.compactMap(\.rates.int8OperationsPerSecond)
        return MachineRates(
            readBytesPerSecond: median(\.rates.readBytesPerSecond),
            operationsPerSecond: median(\.rates.operationsPerSecond),
            int8OperationsPerSecond: int8.isEmpty ? nil : Percentiles(int8).median)
    }
    /// Prompt tokens per second.
    public var prefillTokensPerSecond: Double {
        Double(batchSize * inputLength) / timeToFirstToken.median
    }
    /// Generated tokens per second, after the first.
    public var decodeTokensPerSecond: Double { Double(batchSize) / timePerOutputToken.median }
    /// Processor time that the engine's loop takes to plan a step, as a share of the median time from
    /// one token to the next.
    public var planningShareOfStep: Double { loopWork.planning / timePerOutputToken.median }
    /// Share of the float32 peak that the prefill reached, from 0 to 1: the median of the repetitions.
    public var prefillShareOfPeak: Double {
        median { work.prefillOperations / $0.timeToFirstToken / $0.rates.operationsPerSecond }
    }
    /// Share of the read bandwidth that decoding reached, from 0 to 1: the median of the repetitions.
    public var decodeShareOfReadLimit: Double {
        median { work.decodeBytes / $0.timePerOutputToken / $0.rates.readBytesPerSecond }
    }

    /// Share of the float32 peak that the products of the prefill reached: the median of the
    /// repetitions; nil where products were not timed.
    public var productsShareOfPeak: Double? {
        productsMedian { $0.shareOfPeak($1, ranks: ranks) }
    }
    /// Share of the read bandwidth that the products of decoding reached: the median of the repetitions.
    public var productsShareOfReadLimit: Double? {
        productsMedian { $0.shareOfReadLimit($1, ranks: ranks) }
    }

    private func productsMedian(_ share: (PhaseProducts, MachineRates) -> Double?) -> Double? {
        let found = repetitions.compactMap { repetition in
            repetition.products.flatMap { share($0, repetition.rates) }
        }
        return found.isEmpty ? nil : Percentiles(found).median
    }

    private func median(_ figure: (LatencyRepetition) -> Double) -> Double {
        Percentiles(repetitions.map(figure)).median
    }
}
