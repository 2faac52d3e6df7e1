// When what happened to one choice of a request: the times from which latencies and traces are made.
// It counts nothing and writes nothing.

/// The times of one choice.
struct RequestTimeline: Sendable {
    /// When the request was entered.
    let entered: Moment
    /// When a plan first held the choice.
    private(set) var scheduled: Moment?
    /// When its first token came.
    private(set) var firstToken: Moment?
    /// When its last token so far came.
    private(set) var lastToken: Moment?
    /// Tokens so far.
    private(set) var tokens = 0

    init(entered: Moment) { self.entered = entered }

    /// A plan holds it. Later plans, after a preemption among them, change nothing.
    mutating func schedule(at moment: Moment) { scheduled = scheduled ?? moment }

    /// A token came. Gives the seconds since the one before it; nil for the first.
    mutating func addToken(at moment: Moment) -> Double? {
        defer {
            lastToken = moment
            firstToken = firstToken ?? moment
            tokens += 1
        }
        return lastToken.map { $0.seconds(to: moment) }
    }
}
