// Requests of a caller that waits: commands and benchmarks. Each is entered when its time has come,
// and its outputs come back on the caller's thread. Servers use `submit` instead.

import TernPlanning

extension Engine {
    /// Enters requests and hands over their outputs as they come, with the request's index;
    /// returns when the last choice has ended. What `receive` throws ends the requests.
    ///
    /// Thread: the caller's, which waits.
    public func generate(
        _ requests: [GenerationRequest], receive: (Int, GenerationOutput) throws -> Void
    ) throws {
        let arrivals = requests.map { _ in Duration.zero }
        try generate(requests, at: arrivals) { index, output, _ in try receive(index, output) }
    }

    /// The same with requests that arrive over time. Outputs come with the time at which the engine
    /// told them; arrivals and times count from this call.
    ///
    /// Thread: the caller's, which waits.
    public func generate(
        _ requests: [GenerationRequest], at arrivals: [Duration],
        receive: (Int, GenerationOutput, Duration) throws -> Void
    ) throws {
        precondition(
            requests.count == arrivals.count,
            "\(arrivals.count) arrivals of \(requests.count) requests")
        let events = TimedEvents()
        var coming = requests.indices.sorted { (arrivals[$0], $0) < (arrivals[$1], $1) }[...]
        var ids: [RequestID] = []
        var open = 0
        do {
            while open > 0 || !coming.isEmpty {
                while let index = coming.first, arrivals[index] <= events.now {
                    coming.removeFirst()
                    open += requests[index].choices
                    ids.append(try submit(requests[index]) { events.put(index, $0) })
                }
                let next = coming.first.map { arrivals[$0] }
                let outputs = try events.take(
                    until: next, within: eventDeadline, steps: { metrics.steps })
                for (index, output, time) in outputs {
                    if output.finish != nil { open -= 1 }
                    try receive(index, output, time)
                }
            }
        } catch {
            ids.forEach(cancel)
            throw error
        }
    }
}

/// What the engine's threads told, with the time since the start.
struct TimedEvents: Sendable {
    private let mailbox = Mailbox<(Int, GenerationEvent, Duration)>()
    private let clock = ContinuousClock()
    private let start = ContinuousClock.now

    /// The time since the start.
    var now: Duration { start.duration(to: clock.now) }

    func put(_ index: Int, _ event: GenerationEvent) { mailbox.put((index, event, now)) }

    /// Waits for outputs until the next arrival; where there is none, as long as the engine takes
    /// a step within each deadline: a long prompt takes many before its first output.
    func take(
        until arrival: Duration?, within deadline: Duration, steps: () -> Int
    ) throws(EngineError) -> [(Int, GenerationOutput, Duration)] {
        let wait = arrival.map { max($0 - now, .nanoseconds(1)) } ?? deadline
        var taken = steps()
        var told = mailbox.takeAll(within: wait)
        while told.isEmpty && arrival == nil {
            let before = taken
            taken = steps()
            guard taken > before else {
                throw EngineError(.failed, "no output and no step within \(deadline)")
            }
            told = mailbox.takeAll(within: deadline)
        }
        var outputs: [(Int, GenerationOutput, Duration)] = []
        for (index, event, time) in told {
            switch event {
            case .output(let output): outputs.append((index, output, time))
            case .failed(let error): throw error
            }
        }
        return outputs
    }
}
