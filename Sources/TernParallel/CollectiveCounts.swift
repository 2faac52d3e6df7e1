// What a rank's collectives moved, by kind: the evidence for every formula about bytes.

/// A kind of collective.
public enum Collective: Int, Sendable, CaseIterable {
    case allReduce
    case reduceScatter
    case allGather
    case allToAll
    case broadcast
    case sendReceive
    case barrier

    /// The name in metrics.
    public var name: String {
        switch self {
        case .allReduce: "all_reduce"
        case .reduceScatter: "reduce_scatter"
        case .allGather: "all_gather"
        case .allToAll: "all_to_all"
        case .broadcast: "broadcast"
        case .sendReceive: "send_receive"
        case .barrier: "barrier"
        }
    }
}

/// Calls, and bytes received from others, by kind.
public struct CollectiveCounts: Sendable, Equatable {
    private var callCounts = Array(repeating: 0, count: Collective.allCases.count)
    private var byteCounts = Array(repeating: 0, count: Collective.allCases.count)

    /// Nothing yet.
    public init() {}

    /// How often a collective was called.
    public func calls(_ collective: Collective) -> Int { callCounts[collective.rawValue] }
    /// How many bytes this rank received from others in it.
    public func bytes(_ collective: Collective) -> Int { byteCounts[collective.rawValue] }
    /// All bytes received.
    public var totalBytes: Int { byteCounts.reduce(0, +) }

    /// Counts a call.
    mutating func count(_ collective: Collective, bytes: Int) {
        callCounts[collective.rawValue] += 1
        byteCounts[collective.rawValue] += bytes
    }
}
