// Station 3, its gate: how many requests, and tokens of prompts, may wait for their first step. What
// is beyond is refused at once, which a client can act on, rather than kept waiting, which it cannot.
// The order in which they are served is the scheduler's.

import Synchronization

/// Bounds on what waits for its first step.
public struct QueueLimits: Sendable, Equatable {
    /// Requests; at least 1.
    public var requests: Int
    /// Tokens of their prompts. A single prompt may be longer.
    public var promptTokens: Int

    /// Both bounds.
    public init(requests: Int, promptTokens: Int) {
        self.requests = requests
        self.promptTokens = promptTokens
    }
}

/// Counts what waits.
///
/// Thread: any.
final class RequestQueue: Sendable {
    private let limits: QueueLimits?
    private let counts = Mutex((requests: 0, tokens: 0))

    /// Without limits nothing is refused.
    init(_ limits: QueueLimits?) { self.limits = limits }

    /// Requests that wait for their first step, those on their way to the loop among them.
    var count: Int { counts.withLock { $0.requests } }

    /// Takes a place. It is given back when the last reference to it goes.
    ///
    /// Throws: `EngineError` where the queue is full.
    func enter(promptTokens: Int) throws(EngineError) -> QueuePlace {
        let refusal: String? = counts.withLock { counts in
            if let limits {
                if counts.requests >= limits.requests {
                    return "\(counts.requests) requests wait, which is the most"
                }
                if counts.requests > 0, counts.tokens + promptTokens > limits.promptTokens {
                    return "\(counts.tokens) prompt tokens wait and this request has "
                        + "\(promptTokens); the most is \(limits.promptTokens)"
                }
            }
            counts.requests += 1
            counts.tokens += promptTokens
            return nil
        }
        if let refusal { throw EngineError(.overloaded, "queue: \(refusal); try again later") }
        return QueuePlace(in: self, promptTokens: promptTokens)
    }

    fileprivate func leave(promptTokens: Int) {
        counts.withLock { counts in
            counts.requests -= 1
            counts.tokens -= promptTokens
        }
    }
}

/// A request's place in the queue. Its choices hold it until each is in a plan or has ended, so that
/// no way out of the queue can forget to count.
final class QueuePlace: Sendable {
    private let queue: RequestQueue
    private let promptTokens: Int

    fileprivate init(in queue: RequestQueue, promptTokens: Int) {
        self.queue = queue
        self.promptTokens = promptTokens
    }

    deinit { queue.leave(promptTokens: promptTokens) }
}

/// How a request came into the engine.
struct RequestEntry: Sendable {
    /// When.
    let moment = Moment.now
    /// Its place in the queue.
    let place: QueuePlace
}
