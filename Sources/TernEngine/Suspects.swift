// Which sequences may be what ends the ranks. A step is a function of its plan, so what ends ranks once
// ends them again at the same place: a sequence that was in flight at several ends without getting any
// further is given up, so that it cannot take the ranks down for ever. Before that, those that may be
// it are told apart by running one at a time. Pure; it has no clock.

import TernPlanning

/// The sequences that were in flight when ranks ended.
struct Suspects: Sendable {
    /// Ends without progress after which a sequence is given up.
    static let mostEnds = 3

    private struct Record {
        /// How far it had come, at most.
        var tokens: Int
        /// Ends since then.
        var ends: Int
    }

    private var records: [SequenceID: Record] = [:]

    /// What follows from an end of the ranks.
    struct Verdict: Sendable, Equatable {
        /// The sequences to give up.
        var givenUp: [SequenceID] = []
        /// Those that would be next, each with how far it had come.
        var onProbation: [SequenceID: Int] = [:]
    }

    /// Takes in an end of the ranks: the sequences in flight, each with the tokens it had computed.
    /// Without anything in flight, nobody is to blame and nothing changes.
    mutating func ranksEnded(_ inFlight: [SequenceID: Int]) -> Verdict {
        guard !inFlight.isEmpty else { return Verdict() }
        var verdict = Verdict()
        var next: [SequenceID: Record] = [:]
        for (sequence, tokens) in inFlight {
            var record = records[sequence] ?? Record(tokens: -1, ends: 0)
            record.ends = tokens > record.tokens ? 1 : record.ends + 1
            record.tokens = max(tokens, record.tokens)
            if record.ends >= Self.mostEnds {
                verdict.givenUp.append(sequence)
            } else {
                next[sequence] = record
                if record.ends == Self.mostEnds - 1 {
                    verdict.onProbation[sequence] = record.tokens
                }
            }
        }
        records = next
        verdict.givenUp.sort()
        return verdict
    }
}
