// Whether ranks can share a model, said before anything is loaded. A refusal names the flags at
// fault and the nearest sizes that work; how many ranks a machine has room for is not known here.

extension Topology {
    /// The most ranks that split weights in tensor mode.
    public static let maxShiftSize = 16
    /// The most replicas behind one engine.
    public static let maxDataParallelSize = 64

    /// Checks that a model can be divided so.
    ///
    /// Throws: the first reason why not, with the nearest sizes that work. Cost: constant for a
    /// topology that fits, linear in the layers for one that does not.
    public func validate(_ shape: ModelShape) throws(TopologyError) {
        guard (1...Self.maxDataParallelSize).contains(dataParallelSize) else {
            throw TopologyError(
                reason: "\(Flag.data) is \(dataParallelSize); it must be from 1 to "
                    + "\(Self.maxDataParallelSize)")
        }
        if let expertGroup, shape.experts == 0 {
            throw TopologyError(
                reason: "--expert-parallel-group is \(expertGroup.rawValue), but the model has no "
                    + "experts; leave --enable-expert-parallel out")
        }
        if let reason = misfit(shape) {
            throw TopologyError(reason: reason, nearest: nearest(shape))
        }
    }

    /// Why stages, sequence ranks and tensor ranks cannot share a model; nil when they can.
    private func misfit(_ shape: ModelShape) -> String? {
        if pipelineParallelSize > shape.layers {
            return "\(Flag.pipeline) is \(pipelineParallelSize); it must be at most "
                + "\(shape.layers), the model's layers"
        }
        guard isSmallEnough else {
            return "\(Flag.sequence) is \(sequenceParallelSize) and \(Flag.tensor) is "
                + "\(tensorParallelSize); their product must be at most \(Self.maxShiftSize)"
        }
        do {
            _ = try HeadLayout(
                queryHeads: shape.queryHeads, keyValueHeads: shape.keyValueHeads,
                blocks: shiftSize)
            return nil
        } catch {
            return "\(Flag.sequence) \(sequenceParallelSize) and \(Flag.tensor) "
                + "\(tensorParallelSize) cannot divide \(shape.queryHeads) query heads and "
                + "\(shape.keyValueHeads) key-value heads: \(error)"
        }
    }

    /// Whether P is within its limit. Asked before anything is multiplied: flags may be huge.
    private var isSmallEnough: Bool {
        let limit = Self.maxShiftSize
        return sequenceParallelSize <= limit && tensorParallelSize <= limit / sequenceParallelSize
    }

    /// The nearest sizes that work with no more ranks than were asked for: as many of them as
    /// possible, then the least change, then the fewest stages.
    private func nearest(_ shape: ModelShape) -> [ParallelSizes] {
        let asked = ParallelSizes(self)
        let fits = candidates(shape, within: asked.count).sorted { one, other in
            (-one.count, one.distance(to: asked), one.pipeline, one.tensor)
                < (-other.count, other.distance(to: asked), other.pipeline, other.tensor)
        }
        return Array(fits.prefix(3))
    }

    /// All sizes that work with at most so many ranks. Heads ask for P alone.
    private func candidates(_ shape: ModelShape, within count: Int) -> [ParallelSizes] {
        var fits: [ParallelSizes] = []
        for blocks in 1...min(Self.maxShiftSize, count) {
            let probe = Topology(tensor: blocks)
            guard probe.misfit(shape) == nil else { continue }
            for tensor in 1...blocks where blocks.isMultiple(of: tensor) {
                for pipeline in 1...min(shape.layers, count / blocks) {
                    fits.append(
                        ParallelSizes(
                            pipeline: pipeline, sequence: blocks / tensor, tensor: tensor))
                }
            }
        }
        return fits
    }
}

/// The flags' names, as a refusal spells them.
private enum Flag {
    static let tensor = "--tensor-parallel-size"
    static let sequence = "--ulysses-sequence-parallel-size"
    static let pipeline = "--pipeline-parallel-size"
    static let data = "--data-parallel-size"
}
