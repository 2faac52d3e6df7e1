// Ranks that end at random and are started again, in this process: the loop's side of a restart without
// the cost of processes, under any topology.

import Synchronization
import TernCPU
import TernModel
import TernPlanning

@testable import TernEngine

/// Local ranks that are replaced when an executor fails, which the seed decides.
final class FlakyRanks: RankHost {
    private struct State {
        var ranks: LocalRanks?
        /// Those that ended: another group may be in the middle of a step on them.
        var former: [LocalRanks] = []
        var life = 1
        var random: UInt64
        var ends = 0
        /// How often the next life was asked for in vain.
        var absences = 0
        /// Calls since the last start. At first none fails: who is at every end and gets no further
        /// would be given up, with reason.
        var calls: UInt64 = 0
    }

    let summary: RankSummary
    private let start: @Sendable () throws -> LocalRanks
    private let state: Mutex<State>
    /// One call in so many fails.
    private let rarity: UInt64

    init(
        _ configuration: EngineConfiguration, _ files: ModelFiles, _ model: ModelConfiguration,
        seed: UInt64, rarity: UInt64
    ) throws {
        start = {
            try LocalRanks(configuration, files, model: model, on: .test, report: { _ in })
        }
        let first = try start()
        summary = first.summary
        self.rarity = rarity
        state = Mutex(State(ranks: first, random: seed))
    }

    var status: RankStatus {
        state.withLock { RankStatus(areReady: $0.ranks != nil, restarts: $0.ends) }
    }

    var communicationBytes: [String: Int] { [:] }

    func life(of group: Int) -> RankLife? {
        state.withLock { state in
            if state.ranks == nil {
                state.absences += 1
                guard state.absences.isMultiple(of: 3) else { return nil }
                state.ranks = try? start()
                state.life += 1
                state.calls = 0
            }
            let inner = state.ranks?.life(of: group)
            return inner.map { inner in
                RankLife(
                    number: state.life, executors: inner.executors.map { FlakyExecutor($0, self) })
            }
        }
    }

    func end(life number: Int, cause: EngineError) throws(EngineError) {
        try state.withLock { state throws(EngineError) in
            guard state.life == number, let ranks = state.ranks else { return }
            state.ranks = nil
            state.ends += 1
            state.former.append(ranks)
        }
    }

    func stop(within deadline: Duration) throws(EngineError) {
        try state.withLock { state throws(EngineError) in
            for ranks in state.former + [state.ranks].compactMap({ $0 }) {
                try ranks.stop(within: deadline)
            }
        }
    }

    /// Fails now and then.
    fileprivate func endure() throws(EngineError) {
        let fails = state.withLock { state in
            state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            state.calls += 1
            return state.calls > 100 && (state.random >> 33) % rarity == 0
        }
        if fails { throw EngineError(.failed, "the ranks are gone") }
    }
}

/// An executor that fails before its result comes, or after.
private final class FlakyExecutor: Executor, Sendable {
    private let inner: any Executor & Sendable
    private let ranks: FlakyRanks

    init(_ inner: any Executor & Sendable, _ ranks: FlakyRanks) {
        self.inner = inner
        self.ranks = ranks
    }

    /// Never fails: of replicas that meet in a step, all have to get their plans.
    func submit(_ plan: StepPlan) throws { try inner.submit(plan) }

    func nextResult(within deadline: Duration) throws -> StepResult {
        try ranks.endure()
        let result = try inner.nextResult(within: deadline)
        try ranks.endure()
        return result
    }
}
