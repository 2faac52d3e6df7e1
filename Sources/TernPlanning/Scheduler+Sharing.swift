// Prompts that arrive together and begin alike, as the choices of one request do: the first of them
// computes the beginning, the others wait for it and then find it in the prefix cache. It only
// holds sequences back; the hit itself is the cache's.

/// The older sequence whose prompt begins like another's.
struct PromptLeader: Sendable, Equatable {
    let id: SequenceID
    /// Tokens of full blocks that the two prompts begin with.
    let sharedTokens: Int
}

extension Scheduler {
    /// Finds the leader of a new sequence, or makes it the leader of those to come.
    ///
    /// Only the last leader is looked at, for those that share a request come one after the other.
    /// Waiting costs a step where there is room for both, so at least half of the prompt must be
    /// shared, and a leader whose plan flies already is not waited for: a pipeline's other stages would
    /// idle. Whose prompt is scored reads no cached prefix and waits for none.
    ///
    /// Cost: linear in the common beginning.
    mutating func follow(_ sequence: inout Sequence) {
        guard configuration.enablesPrefixCaching else { return }
        if let lastLeader, !sequence.needsScores, !isInFlight(lastLeader.id) {
            let shared = sharedTokens(lastLeader, sequence)
            if shared > 0 && 2 * shared >= sequence.prompt.count {
                sequence.leader = PromptLeader(id: lastLeader.id, sharedTokens: shared)
                return
            }
        }
        lastLeader = sequence
    }

    private func isInFlight(_ id: SequenceID) -> Bool {
        plansInFlight.contains { $0.spans.contains { $0.sequence == id } }
    }

    /// Whether a waiting sequence's beginning is still to be computed by its leader, which then is
    /// before it in the queue or has a place in each plan: nobody waits for ever.
    func awaitsPrefix(_ sequence: Sequence) -> Bool {
        guard let leader = sequence.leader, names.contains(leader.id) else { return false }
        guard let ahead = running.first(where: { $0.id == leader.id }) else { return true }
        return ahead.state == .running && ahead.computedCount < leader.sharedTokens
    }

    /// Tokens of the full blocks that two prompts begin with, but for a prompt's last token, which
    /// is always computed.
    private func sharedTokens(_ leader: Sequence, _ follower: Sequence) -> Int {
        guard leader.prefix == follower.prefix else { return 0 }
        let common = zip(leader.prompt, follower.prompt.dropLast()).prefix { $0 == $1 }.count
        return common / configuration.blockSize * configuration.blockSize
    }
}
