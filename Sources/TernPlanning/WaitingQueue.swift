// The sequences that wait, first come, first served; a preempted one returns to the front. It
// does not decide when anyone leaves.

/// A queue that is entered at both ends and left at the front.
///
/// Cost: constant time an operation, averaged; removal by name is linear.
struct WaitingQueue: Sendable {
    /// The front of the queue, its first sequence last.
    private var front: [Sequence] = []
    /// The rest of the queue, in order.
    private var back: [Sequence] = []

    /// Sequences in the queue.
    var count: Int { front.count + back.count }

    /// All of them, in order. Cost: linear.
    var inOrder: [Sequence] { front.reversed() + back }

    /// Enters a new sequence.
    mutating func append(_ sequence: Sequence) { back.append(sequence) }

    /// Lets a sequence return to the front.
    mutating func putBack(_ sequence: Sequence) { front.append(sequence) }

    /// Takes the first sequence out.
    mutating func popFirst() -> Sequence? {
        if front.isEmpty {
            front = back.reversed()
            back = []
        }
        return front.popLast()
    }

    /// Strikes a sequence; false when it does not wait.
    mutating func remove(_ id: SequenceID) -> Bool {
        let count = count
        front.removeAll { $0.id == id }
        back.removeAll { $0.id == id }
        return self.count < count
    }
}
