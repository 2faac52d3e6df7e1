// Where the ranks of an engine live: threads of this process, or of a child that is started again when
// it dies. The loops see executors and lives, and know neither.

import TernPlanning

/// The ranks of all replicas, from one start to their end. After an end there may be another life.
///
/// Thread: every method may be called from any thread.
protocol RankHost: Sendable {
    /// What the first start settled, for all lives.
    var summary: RankSummary { get }
    /// How the ranks are now.
    var status: RankStatus { get }

    /// Bytes that all ranks received from others since the first start, by collective.
    var communicationBytes: [String: Int] { get }

    /// The ranks of a group of replicas that step together; nil while they are being started again.
    func life(of group: Int) -> RankLife?

    /// Ends a life whose executor failed, if it is not over already.
    ///
    /// Throws: the cause, where there will be no other life.
    func end(life number: Int, cause: EngineError) throws(EngineError)

    /// Ends all ranks for good.
    ///
    /// Throws: where one does not leave in time.
    func stop(within deadline: Duration) throws(EngineError)
}

/// The executors of one group of replicas, while their ranks live.
struct RankLife: Sendable {
    /// Counts the lives, from 1.
    let number: Int
    /// One for each replica of the group.
    let executors: [any Executor & Sendable]

    /// The lives of all groups, each of so many replicas.
    static func groups(
        of executors: [some Executor & Sendable], size: Int, number: Int
    ) -> [RankLife] {
        stride(from: 0, to: executors.count, by: size).map { first in
            RankLife(number: number, executors: Array(executors[first..<first + size]))
        }
    }
}

/// How ranks are.
public struct RankStatus: Sendable, Equatable {
    /// Whether they take plans, and their steps end.
    public var areReady = true
    /// How often they were started again.
    public var restarts = 0
}

/// Where to start ranks.
public enum RankPlace: Sendable {
    /// In this process, on its hardware.
    case thisProcess(EngineHardware)
    /// In a child process.
    case childProcess(RankCommand)
}
