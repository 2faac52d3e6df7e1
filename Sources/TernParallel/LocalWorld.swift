// What the rank threads of one process share: signals, what each has laid open for its peers, one
// outbox per pair, and why the first of them failed. How collectives use it is in
// LocalCommunicator.

import CTernThreads
import Glibc
import Synchronization
import TernPlanning
import TernTensor

/// The meeting place of the ranks of a process.
///
/// Signals are matrices `[from][to]`, so that no group needs a place of its own: two ranks call
/// the same sequence of those collectives that both are members of, and each counts how often it
/// has met the other.
///
/// `@unchecked Sendable`: `signals` are atomics in memory that lives as long as this. What a
/// `Station` lays open is written by its rank before it posts its entry to a collective, read by
/// peers who have waited for that, and written again only after all of them have posted their
/// exit. An `Outbox` is the sender's until it posts, and the receiver's until that posts back.
/// A rank whose wait ended otherwise has seen the abort flag, and every collective looks at the
/// flag before it writes: an aborted world is never written again.
public final class LocalWorld: @unchecked Sendable {
    /// Number of ranks.
    public let ranks: Int
    /// How long a rank waits for a peer before it gives the world up.
    public let deadline: Duration
    /// How long a wait spins before it sleeps.
    public let spin: Duration
    /// The most bytes that a rank receives in an all-reduce of one shot; see `isOneShot`.
    public let oneShotBytes: Int

    let stations: [Station]
    let outboxes: [Outbox]
    private let signals: OpaquePointer
    private let failure = Mutex<CommunicationError?>(nil)

    /// A world of ranks that have not met yet.
    ///
    /// Throws: `StorageError` where the system refuses memory.
    public init(
        ranks: Int, deadline: Duration, spin: Duration,
        oneShotBytes: Int = LocalWorld.defaultOneShotBytes
    ) throws(StorageError) {
        precondition(ranks > 0, "a world of \(ranks) ranks")
        let count = SignalKind.allCases.count * ranks * ranks
        guard let signals = tern_signals_create(Int32(count)) else {
            throw .outOfMemory(bytes: 64 * count, cause: ENOMEM)
        }
        self.signals = signals
        self.ranks = ranks
        self.deadline = deadline
        self.spin = spin
        self.oneShotBytes = oneShotBytes
        stations = (0..<ranks).map { _ in Station() }
        outboxes = (0..<ranks * ranks).map { _ in Outbox() }
    }

    deinit { tern_signals_destroy(signals) }

    /// Measured with two ranks on two cores: one shot takes 3/4 of the time of two at 1 MiB, and
    /// 6/5 at 4 MiB. More ranks save more by the second shot, hence the count of what is received.
    public static let defaultOneShotBytes = 1 << 20

    /// Whether an all-reduce of so many bytes goes in one shot, in which every rank adds
    /// everything, or in two, in which each adds its share and copies the others': the latter moves
    /// less, but meets once more.
    public func isOneShot(bytes: Int, among members: Int) -> Bool {
        (members - 1) * bytes <= oneShotBytes
    }

    /// The outbox of a pair.
    func outbox(from sender: RankID, to receiver: RankID) -> Outbox {
        outboxes[Int(sender.rawValue) * ranks + Int(receiver.rawValue)]
    }

    /// Tells a peer that this rank has come.
    func post(_ kind: SignalKind, from rank: RankID, to peer: RankID) {
        tern_signals_post(signals, signal(kind, from: rank, to: peer))
    }

    /// Waits until a peer has come `count` times.
    ///
    /// A peer that does not come in time, or rather the one that it waits for itself, is named as
    /// the one at fault, to everybody.
    func wait(
        _ kind: SignalKind, by rank: RankID, for peer: RankID, count: UInt32,
        _ operation: StaticString
    ) throws(CommunicationError) {
        let station = stations[Int(rank.rawValue)]
        station.awaited.store(peer.rawValue, ordering: .relaxed)
        let end = tern_signals_wait(
            signals, signal(kind, from: peer, to: rank), count, spin.nanoseconds,
            deadline.nanoseconds)
        if end == TERN_REACHED {
            station.awaited.store(Station.nobody, ordering: .relaxed)
            return
        }
        if end == TERN_DEADLINE {
            let laggard = laggard(behind: peer)
            fail(.deadline(rank: laggard, operation: "\(operation)", waited: deadline))
        }
        try check()
    }

    /// Says that a rank failed, for one that cannot say so itself any more: see
    /// `Communicator.abort`.
    public func abort(rank: RankID, cause: String) { fail(.peerFailed(rank: rank, cause: cause)) }

    /// The first failure, if there is one.
    public var firstFailure: CommunicationError? { failure.withLock { $0 } }

    /// Throws the first failure, if there is one.
    func check() throws(CommunicationError) {
        guard tern_signals_aborted(signals) != 0 else { return }
        guard let first = failure.withLock({ $0 }) else {
            preconditionFailure("an aborted world without a failure")
        }
        throw first
    }

    /// Keeps a failure if it is the first, and ends all waits.
    func fail(_ error: CommunicationError) {
        failure.withLock { first in
            if first == nil { first = error }
        }
        tern_signals_abort(signals)
    }

    /// The rank at the end of a chain of waits; where the chain is a ring, its start.
    private func laggard(behind peer: RankID) -> RankID {
        var last = peer
        for _ in 0..<ranks {
            let next = stations[Int(last.rawValue)].awaited.load(ordering: .relaxed)
            if next == Station.nobody { return last }
            last = RankID(next)
        }
        return peer
    }

    private func signal(_ kind: SignalKind, from rank: RankID, to peer: RankID) -> Int32 {
        Int32((kind.rawValue * ranks + Int(rank.rawValue)) * ranks + Int(peer.rawValue))
    }
}

/// What ranks tell each other.
enum SignalKind: Int, CaseIterable {
    /// Entered or left a collective.
    case met
    /// A message lies in the outbox.
    case sent
    /// The message was copied.
    case taken
}

/// What one rank lays open to its peers. `@unchecked Sendable`: see `LocalWorld`.
final class Station: @unchecked Sendable {
    static let nobody: Int32 = -1
    /// The peer that the rank waits for: a hint for the search of the one at fault.
    let awaited = Atomic<Int32>(Station.nobody)
    var publication: Publication?
}

/// The operands of a rank's part in a collective. Held until the next one's, so that an aborted
/// rank cannot free memory under a reader.
struct Publication {
    let input: Tensor
    let output: Tensor
    var exchange: Exchange?
}

/// A message from one rank to another. `@unchecked Sendable`: see `LocalWorld`.
final class Outbox: @unchecked Sendable {
    private var storage: Storage?
    private(set) var message: Tensor?

    /// Makes room for a message of a shape; memory is kept and grows as needed.
    func prepare(_ shape: Shape, _ dtype: DType) throws(StorageError) -> Tensor {
        let bytes = shape.count * dtype.bytes
        let room: Storage
        if let storage, storage.bytes >= bytes {
            room = storage
        } else {
            room = try Storage(zeroedBytes: bytes)
            storage = room
        }
        let tensor = Tensor(room, dtype: dtype, shape: shape)
        message = tensor
        return tensor
    }
}

extension Duration {
    /// Whole nanoseconds, cut at a century, so that adding a clock does not overflow.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < 3_000_000_000 else { return 3_000_000_000_000_000_000 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
