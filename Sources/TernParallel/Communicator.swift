// How ranks meet. Layers name a group and a buffer; what carries the bytes (peers' memory, NCCL, MPI)
// is behind this. Nothing here knows layers or modes.

import TernPlanning
import TernTensor

/// One rank's end of all collectives.
///
/// All members of a group call the same collectives over it in the same order. What is gathered
/// lies in the group's order. A group of one is the caller's to skip: see `RankGroup.isSingle`.
/// Buffers are the rank's own again on return. Tensors have elements of four bytes, shape
/// `[rows, columns]`, and any distance between rows.
/// Thread: the rank's.
/// Throws: `CommunicationError` where a peer failed or did not come in time; then this rank must
/// fail too.
public protocol Communicator: AnyObject {
    /// Whose end this is.
    var rank: RankID { get }

    /// Calls and bytes since the start.
    var counts: CollectiveCounts { get }

    /// `output = sum of all inputs`, element by element, by the fixed binary tree over the members
    /// in the group's order (see `SummationTree`). Shape: all the same; output is not input.
    /// Cost: (g - 1) n elements received in one shot, where they are few, else
    /// (g - 2) n_i + n in two, with n_i elements of n this rank's own share to add.
    func allReduce(
        _ input: Tensor, into output: Tensor, over group: RankGroup
    ) throws(CommunicationError)

    /// The rows of all inputs' sum that `rows` gives to this rank. Shape: `[n, d]` to `[n_i, d]`.
    /// Cost: (g - 1) n_i d elements received.
    func reduceScatter(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError)

    /// All members' rows, one slice after the other. Shape: `[n_i, d]` to `[n, d]`.
    /// Cost: (n - n_i) d elements received.
    func allGather(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError)

    /// Moves tiles: each member's for this rank, this rank's for each member, its own to itself.
    /// Cost: the elements of the tiles received from others.
    func allToAll(
        _ input: Tensor, into output: Tensor, _ exchange: Exchange, over group: RankGroup
    ) throws(CommunicationError)

    /// Overwrites every member's tensor with that of the member at place `root`.
    func broadcast(
        _ tensor: Tensor, from root: Int, over group: RankGroup
    ) throws(CommunicationError)

    /// Hands rows to the member at a place; returns when the tensor may be overwritten, which need
    /// not be when they were received: one message may be under way to each peer.
    func send(_ tensor: Tensor, to place: Int, over group: RankGroup) throws(CommunicationError)

    /// Takes the rows that the member at a place sends, in the order of its sends.
    func receive(
        into tensor: Tensor, from place: Int, over group: RankGroup
    ) throws(CommunicationError)

    /// Returns when all members have come.
    func barrier(over group: RankGroup) throws(CommunicationError)

    /// Says that this rank failed: every wait of every peer, now and later, throws an error that
    /// names the first rank that failed.
    func abort(_ cause: String)
}
