// The refusal of a topology: why a model cannot be divided so, and what to ask for instead. It is
// made in Topology+Fit.swift alone.

/// The sizes of one replica: those three that a model limits.
public struct ParallelSizes: Sendable, Equatable, CustomStringConvertible {
    /// Number of stages.
    public let pipeline: Int
    /// Number of ranks that split tokens in sequence mode.
    public let sequence: Int
    /// Number of ranks that split weights in sequence mode.
    public let tensor: Int

    /// Three sizes, each at least 1.
    public init(pipeline: Int = 1, sequence: Int, tensor: Int) {
        self.pipeline = pipeline
        self.sequence = sequence
        self.tensor = tensor
    }

    /// Those of a topology. Sizes beyond any machine are taken for less, so that their product
    /// is a number.
    init(_ topology: Topology) {
        let most = 1 << 16
        self.init(
            pipeline: min(topology.pipelineParallelSize, most),
            sequence: min(topology.sequenceParallelSize, most),
            tensor: min(topology.tensorParallelSize, most))
    }

    /// Number of ranks.
    var count: Int { pipeline * sequence * tensor }

    /// By how much the sizes differ, added up.
    func distance(to other: ParallelSizes) -> Int {
        abs(pipeline - other.pipeline) + abs(sequence - other.sequence)
            + abs(tensor - other.tensor)
    }

    /// The sizes as flags; one stage goes without saying.
    public var description: String {
        (pipeline > 1 ? "-pp \(pipeline) " : "") + "-sp \(sequence) -tp \(tensor)"
    }
}

/// A topology that a model cannot be divided by.
public struct TopologyError: Error, Equatable, CustomStringConvertible {
    /// Which sizes are at fault, by their flags, and why.
    public let reason: String
    /// Sizes that work, the nearest first; empty where no other sizes would help.
    public let nearest: [ParallelSizes]

    init(reason: String, nearest: [ParallelSizes] = []) {
        self.reason = reason
        self.nearest = nearest
    }

    /// One line for a person.
    public var description: String {
        guard !nearest.isEmpty else { return reason }
        return "\(reason); nearest that work: "
            + nearest.map(\.description).joined(separator: ", ")
    }
}
