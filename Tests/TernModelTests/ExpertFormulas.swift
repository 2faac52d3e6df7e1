// Who has which expert, which tokens travel to whom, and what that moves: from coordinates and from
// what one rank's router chose. Nothing here is taken from the engine's own tables.

import TernPlanning

/// One layer of experts on the ranks of replicas that step together. Experts divide evenly.
struct ExpertFormulas {
    let model: TinyModel
    let topology: Topology
    let mode: ParallelMode
    /// Tokens of each replica.
    let tokens: [Int]
    /// Those of each replica's tokens that the layer sees, in order.
    let rows: [[Int]]
    /// The experts of each of these rows of each replica, as one rank alone chose them.
    let chosen: [[Int]]

    private struct Place: Equatable {
        let replica, sequence, tensor: Int
    }

    private func place(_ rank: RankID) -> Place {
        Place(
            replica: topology.coordinate(.data, of: rank),
            sequence: topology.coordinate(.sequence, of: rank),
            tensor: topology.coordinate(.tensor, of: rank))
    }

    private var isSplitByTokens: Bool { mode == .sequence && topology.sequenceParallelSize > 1 }

    /// The ranks that divide a rank's experts among them, in the order of their experts.
    func group(of rank: RankID) -> [RankID] {
        let own = place(rank)
        switch topology.expertGroup {
        case nil: return [rank]
        case .dataTensor:
            return topology.ranks.filter { place($0).sequence == own.sequence }
        case .dataSequenceTensor:
            return topology.ranks.sorted {
                let (one, other) = (place($0), place($1))
                return (one.replica, one.tensor, one.sequence)
                    < (other.replica, other.tensor, other.sequence)
            }
        }
    }

    /// The experts that a rank has.
    private func experts(of rank: RankID) -> Range<Int> {
        let group = group(of: rank)
        let count = model.experts / group.count
        let index = group.firstIndex(of: rank) ?? 0
        return index * count..<(index + 1) * count
    }

    /// Whether ranks of the group have different tokens, so that these travel.
    func isDispatched(_ rank: RankID) -> Bool {
        group(of: rank).contains { place($0).replica != place(rank).replica }
            || (isSplitByTokens && topology.expertGroup == .dataSequenceTensor)
    }

    /// How many ranks split the width of each of a rank's experts.
    private var widthSize: Int {
        switch topology.expertGroup {
        case nil: isSplitByTokens ? topology.tensorParallelSize : topology.shiftSize
        case .dataTensor: isSplitByTokens ? 1 : topology.sequenceParallelSize
        case .dataSequenceTensor: 1
        }
    }

    /// Those that a rank holds of its replica's rows.
    private func own(_ rank: RankID) -> Range<Int> {
        let place = place(rank)
        let rows = rows[place.replica]
        guard isSplitByTokens else { return rows.indices }
        let held = StepFormulas.slice(
            place.sequence, of: tokens[place.replica], among: topology.sequenceParallelSize)
        let start = rows.count { $0 < held.lowerBound }
        return start..<start + rows.count(where: held.contains)
    }

    /// Ranks of the group that hold the same rows, in the order of the weights' shards.
    private func peers(of rank: RankID) -> [RankID] {
        group(of: rank).filter {
            place($0).replica == place(rank).replica
                && (!isSplitByTokens || place($0).sequence == place(rank).sequence)
        }
    }

    /// Those of its rows that a rank sends to their experts.
    private func answered(by rank: RankID) -> Range<Int> {
        let (own, peers) = (own(rank), peers(of: rank))
        let slice = StepFormulas.slice(
            peers.firstIndex(of: rank) ?? 0, of: own.count, among: peers.count)
        return own.lowerBound + slice.lowerBound..<own.lowerBound + slice.upperBound
    }

    private func choices(_ row: Int, of rank: RankID) -> ArraySlice<Int> {
        let first = row * model.perToken
        return chosen[place(rank).replica][first..<first + model.perToken]
    }

    /// A row for each token of one that has an expert at the other.
    func rows(from sender: RankID, to receiver: RankID) -> Int {
        answered(by: sender).count {
            choices($0, of: sender).contains(where: experts(of: receiver).contains)
        }
    }

    /// Pairs of a token and one of a rank's experts, of all tokens that come before it.
    private func pairs(at rank: RankID) -> Int {
        let experts = experts(of: rank)
        func count(_ tokens: Range<Int>, of holder: RankID) -> Int {
            tokens.reduce(0) { $0 + choices($1, of: holder).count(where: experts.contains) }
        }
        guard isDispatched(rank) else { return count(own(rank), of: rank) }
        return group(of: rank).reduce(0) { $0 + count(answered(by: $1), of: $1) }
    }

    /// Elements received in the all-to-alls of a layer: rows of hidden values, experts and shares
    /// there, rows of hidden values back.
    func allToAll(_ rank: RankID) -> Int {
        guard isDispatched(rank) else { return 0 }
        let others = group(of: rank).filter { $0 != rank }
        let received = others.reduce(0) { $0 + rows(from: $1, to: rank) }
        let sent = others.reduce(0) { $0 + rows(from: rank, to: $1) }
        return received * (model.hidden + 2 * model.perToken) + sent * model.hidden
    }

    /// Elements received in the all-gathers of a layer: everybody's counts, a row of g for each of
    /// g members; then the rows that peers answered for.
    func allGather(_ rank: RankID) -> Int {
        guard isDispatched(rank) else { return 0 }
        let size = group(of: rank).count
        return (size - 1) * size + (own(rank).count - answered(by: rank).count) * model.hidden
    }

    /// Elements received in the all-reduces of a layer, in one shot: each expert's products where
    /// its width is split; then the sum over the experts of all, where all have the same tokens.
    func allReduce(_ rank: RankID) -> Int {
        let products = (widthSize - 1) * pairs(at: rank) * model.hidden
        let sums = (group(of: rank).count - 1) * own(rank).count * model.hidden
        return products + (isDispatched(rank) ? 0 : sums)
    }
}
