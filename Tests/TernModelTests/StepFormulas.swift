// What one rank receives in one step of a decoder without experts, from sizes alone: the formulas
// that tests hold the communicator's counts to. Nothing here is taken from the engine's own tables.
//
// Source: the costs of Ulysses and tensor parallelism in arXiv 2509.16495, with a rank's own part,
// which it does not receive, left out.

import TernPlanning

/// Elements that one rank receives in one step. Heads, hidden size and vocabulary divide evenly.
struct StepFormulas {
    let model: TinyModel
    let topology: Topology
    let mode: ParallelMode
    let rank: RankID
    /// N, those of its replica.
    let tokens: Int
    let sampled: [Int]

    /// Ranks that split the tokens, and those that split the weights.
    var sequenceSize: Int { mode == .sequence ? topology.sequenceParallelSize : 1 }
    var tensorSize: Int { topology.shiftSize / sequenceSize }
    private var sequencePlace: Int {
        mode == .sequence ? topology.coordinate(.sequence, of: rank) : 0
    }
    private var isOutput: Bool {
        topology.coordinate(.sequence, of: rank) == 0 && topology.coordinate(.tensor, of: rank) == 0
    }

    /// The rank's own tokens.
    var own: Range<Int> { Self.slice(sequencePlace, of: tokens, among: sequenceSize) }

    /// Even slices of neighbours, the larger ones first.
    static func slice(_ place: Int, of count: Int, among size: Int) -> Range<Int> {
        let start = place * (count / size) + min(place, count % size)
        return start..<start + count / size + (place < count % size ? 1 : 0)
    }

    /// Both exchanges of one layer: `(N - n)(hq + 2 hk) d + n (SP - 1) hq d`. A key-value head that
    /// several blocks share goes to each of them: `hk` is at least 1.
    var ulysses: Int {
        guard sequenceSize > 1 else { return 0 }
        let (hq, hk) = (
            model.queryHeads / topology.shiftSize,
            max(1, model.keyValueHeads / topology.shiftSize)
        )
        return (tokens - own.count) * (hq + 2 * hk) * model.headDimension
            + own.count * (sequenceSize - 1) * hq * model.headDimension
    }

    /// One all-reduce behind the attention of each layer over the tensor group of g ranks, for n own
    /// rows `(g - 1) n d` in one shot and `2 (g - 1) / g n d` in two. In the last layer only sampled
    /// rows are left.
    func allReduce(isOneShot: Bool) -> Int {
        let rows = (model.layers - 1) * own.count + ownSampled
        let others = (tensorSize - 1) * rows * model.hidden
        return isOneShot ? others : 2 * others / tensorSize
    }

    /// Calls of all-reduces: none where the group has no row to add up.
    var allReduces: Int {
        guard tensorSize > 1 else { return 0 }
        return 2 * ((own.isEmpty ? 0 : model.layers - 1) + (ownSampled == 0 ? 0 : 1))
    }

    /// r, those of the sampled rows that are the rank's.
    private var ownSampled: Int { sampled.count(where: own.contains) }

    /// The sampled rows of other ranks: `(R - r) d`.
    var sampledRows: Int {
        guard sequenceSize > 1 else { return 0 }
        return (sampled.count - ownSampled) * model.hidden
    }

    /// Other ranks' shares of the vocabulary, on the output rank: `R V (P - 1) / P`.
    var logits: Int {
        guard isOutput else { return 0 }
        return sampled.count * (model.vocabulary - model.vocabulary / topology.shiftSize)
    }

    /// Calls of the head: a gather over the sequence group, and an exchange of logits.
    var headGathers: Int { sequenceSize > 1 && !sampled.isEmpty ? 1 : 0 }
    var headExchanges: Int { topology.shiftSize > 1 && !sampled.isEmpty ? 1 : 0 }
}
