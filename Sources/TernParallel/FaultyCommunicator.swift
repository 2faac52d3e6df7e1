// A communicator that misbehaves once, for tests of what the other ranks then do. It is never used
// to serve.

import Glibc
import TernPlanning
import TernTensor

/// Wraps a communicator and at one call delays, fails or dies.
///
/// Thread: the rank's.
public final class FaultyCommunicator: Communicator {
    /// What happens.
    public enum Fault: Sendable, Equatable {
        /// The rank comes late.
        case delay(Duration)
        /// The rank says that it failed.
        case failure(cause: String)
        /// The rank is gone without a word: this call and all later ones throw, and `abort` tells
        /// nobody.
        case death
    }

    private let inner: any Communicator
    private let fault: Fault
    private let faultyCall: Int
    private var calls = 0
    /// Whether the rank has died.
    public private(set) var isDead = false

    /// Misbehaves at the n-th call of any collective, counted from 1.
    public init(_ inner: any Communicator, at call: Int, _ fault: Fault) {
        self.inner = inner
        self.fault = fault
        faultyCall = call
    }

    /// Whose end this is.
    public var rank: RankID { inner.rank }
    /// Calls and bytes since the start.
    public var counts: CollectiveCounts { inner.counts }

    /// As the communicator within, unless it is this call's turn; so are all others.
    public func allReduce(
        _ input: Tensor, into output: Tensor, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.allReduce(input, into: output, over: group)
    }

    /// See `allReduce`.
    public func reduceScatter(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.reduceScatter(input, into: output, rows: rows, over: group)
    }

    /// See `allReduce`.
    public func allGather(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.allGather(input, into: output, rows: rows, over: group)
    }

    /// See `allReduce`.
    public func allToAll(
        _ input: Tensor, into output: Tensor, _ exchange: Exchange, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.allToAll(input, into: output, exchange, over: group)
    }

    /// See `allReduce`.
    public func broadcast(
        _ tensor: Tensor, from root: Int, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.broadcast(tensor, from: root, over: group)
    }

    /// See `allReduce`.
    public func send(
        _ tensor: Tensor, to place: Int, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.send(tensor, to: place, over: group)
    }

    /// See `allReduce`.
    public func receive(
        into tensor: Tensor, from place: Int, over group: RankGroup
    ) throws(CommunicationError) {
        try come()
        try inner.receive(into: tensor, from: place, over: group)
    }

    /// See `allReduce`.
    public func barrier(over group: RankGroup) throws(CommunicationError) {
        try come()
        try inner.barrier(over: group)
    }

    /// Tells everybody, unless the rank is dead.
    public func abort(_ cause: String) {
        if !isDead { inner.abort(cause) }
    }

    private func come() throws(CommunicationError) {
        calls += 1
        if calls == faultyCall {
            switch fault {
            case .delay(let duration): usleep(UInt32(duration.nanoseconds / 1000))
            case .failure(let cause):
                inner.abort(cause)
                throw .peerFailed(rank: rank, cause: cause)
            case .death: isDead = true
            }
        }
        if isDead { throw .peerFailed(rank: rank, cause: "died by a test's wish") }
    }
}
