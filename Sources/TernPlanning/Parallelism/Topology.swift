// How the ranks of one deployment are laid out: five axes, one number for each rank. Groups along
// the axes are in Topology+Groups.swift; whether a model fits is in Topology+Fit.swift.
//
// Source: the rank layout of Arctic Inference (arctic_inference/vllm/ulysses.py), arXiv 2509.16495.

/// The sizes of all axes. Ranks are numbered with the tensor axis fastest:
/// `(((external * data + d) * pipeline + p) * sequence + s) * tensor + t`.
public struct Topology: Sendable, Equatable {
    /// A direction in which ranks differ, the slowest in their numbers first.
    public enum Axis: Int, Sendable, CaseIterable {
        /// Replicas that generate independently.
        case externalData
        /// Replicas behind one engine; where they share experts, they step together.
        case data
        /// Stages of consecutive layers.
        case pipeline
        /// Ulysses ranks, which split tokens.
        case sequence
        /// Tensor ranks, which split weights.
        case tensor
    }

    /// The size of each axis, in the order of `Axis`.
    private let sizes: [Int]
    /// Which ranks share the experts; nil where each expert is split among the tensor ranks.
    public let expertGroup: ExpertGroup?

    /// A topology; every size is at least 1.
    public init(
        externalData: Int = 1, data: Int = 1, pipeline: Int = 1, sequence: Int = 1,
        tensor: Int = 1, expertGroup: ExpertGroup? = nil
    ) {
        sizes = [externalData, data, pipeline, sequence, tensor]
        precondition(sizes.allSatisfy { $0 >= 1 }, "topology of sizes \(sizes)")
        self.expertGroup = expertGroup
    }

    /// The size of one axis.
    public subscript(axis: Axis) -> Int { sizes[axis.rawValue] }

    /// Number of replicas behind one engine.
    public var dataParallelSize: Int { self[.data] }
    /// Number of stages.
    public var pipelineParallelSize: Int { self[.pipeline] }
    /// Number of ranks that split tokens in sequence mode.
    public var sequenceParallelSize: Int { self[.sequence] }
    /// Number of ranks that split weights in sequence mode.
    public var tensorParallelSize: Int { self[.tensor] }
    /// Number of ranks that split weights in tensor mode: P = SP · TP, the number of head blocks.
    public var shiftSize: Int { sequenceParallelSize * tensorParallelSize }
    /// How many neighbouring replicas step together: all that share experts, else each alone.
    public var lockstepSize: Int { expertGroup == nil ? 1 : dataParallelSize }
    /// Number of all ranks.
    public var worldSize: Int { sizes.reduce(1, *) }
    /// All ranks, in the order of their numbers.
    public var ranks: [RankID] { (0..<worldSize).map { RankID($0) } }

    /// Into how many parts every dimension is cut that tensor ranks split; see `Partition`.
    public var parts: Int { Self.parts(for: shiftSize) }
    /// Into how many parts the experts are cut.
    public var expertParts: Int {
        switch expertGroup {
        case nil: Self.parts(for: 1)
        case .dataTensor: Self.parts(for: dataParallelSize * tensorParallelSize)
        case .dataSequenceTensor: Self.parts(for: dataParallelSize * shiftSize)
        }
    }

    /// Group sizes that divide `Partition.parts` share its boundaries, and so the bits of one
    /// rank; others get boundaries of their own.
    private static func parts(for size: Int) -> Int {
        Partition.parts.isMultiple(of: size) ? Partition.parts : size
    }

    /// Where a rank stands on one axis.
    public func coordinate(_ axis: Axis, of rank: RankID) -> Int {
        precondition(
            (0..<worldSize).contains(Int(rank.rawValue)), "rank \(rank) of \(worldSize)")
        return Int(rank.rawValue) / stride(axis) % self[axis]
    }

    /// How far apart the numbers of neighbours on an axis are.
    func stride(_ axis: Axis) -> Int { sizes[(axis.rawValue + 1)...].reduce(1, *) }

    /// The rank that answers for a replica: last stage, first sequence and tensor rank.
    public func outputRank(external: Int = 0, replica: Int) -> RankID {
        let first = (external * dataParallelSize + replica) * stride(.data)
        return RankID(first + (pipelineParallelSize - 1) * stride(.pipeline))
    }

    /// The ranks of one replica.
    public func ranks(external: Int = 0, replica: Int) -> [RankID] {
        let first = (external * dataParallelSize + replica) * stride(.data)
        return (first..<first + stride(.data)).map { RankID($0) }
    }
}
