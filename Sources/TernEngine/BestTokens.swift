// The best so many tokens of those shown to it: a heap whose root is the worst of them. It knows logits
// alone.

/// A token in question, with its logit.
struct Candidate {
    let token: Int32
    let logit: Float

    /// The order of preference: the higher logit, then the lower id.
    func precedes(_ other: Candidate) -> Bool {
        logit > other.logit || (logit == other.logit && token < other.token)
    }
}

/// A bounded choice of tokens. Keeps its memory from one use to the next.
struct BestTokens {
    /// Best first, once sorted.
    private(set) var tokens: [Candidate] = []
    private var limit = 0

    /// Starts again, for at most so many.
    mutating func restart(limit: Int) {
        tokens.removeAll(keepingCapacity: true)
        self.limit = limit
    }

    /// Below this logit none comes in any more.
    var bar: Float { tokens.count < limit ? -.infinity : tokens.first?.logit ?? .infinity }

    /// Takes a token in, if it is better than the worst or there is room.
    mutating func add(_ candidate: Candidate) {
        if tokens.count < limit {
            tokens.append(candidate)
            if tokens.count == limit {
                for root in stride(from: limit / 2, through: 0, by: -1) { sink(root) }
            }
        } else if limit > 0 && candidate.precedes(tokens[0]) {
            tokens[0] = candidate
            sink(0)
        }
    }

    /// Puts the best first; nothing may be added then.
    mutating func sort() { tokens.sort { $0.precedes($1) } }

    private mutating func sink(_ start: Int) {
        var root = start
        while true {
            let left = 2 * root + 1
            guard left < tokens.count else { return }
            let right = left + 1
            let worst =
                right < tokens.count && tokens[left].precedes(tokens[right]) ? right : left
            guard tokens[root].precedes(tokens[worst]) else { return }
            tokens.swapAt(root, worst)
            root = worst
        }
    }
}
