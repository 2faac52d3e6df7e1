// Why ranks could not meet. Every error names the rank at fault, not the one that noticed.

import TernPlanning

/// A failure in a collective.
public enum CommunicationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A peer said that it failed.
    case peerFailed(rank: RankID, cause: String)
    /// A peer did not come to an operation in time.
    case deadline(rank: RankID, operation: String, waited: Duration)

    /// The rank at fault.
    public var rank: RankID {
        switch self {
        case .peerFailed(let rank, _), .deadline(let rank, _, _): rank
        }
    }

    /// One line for a person.
    public var description: String {
        switch self {
        case .peerFailed(let rank, let cause): "rank \(rank) failed: \(cause)"
        case .deadline(let rank, let operation, let waited):
            "rank \(rank) did not come to \(operation) within \(waited)"
        }
    }
}
