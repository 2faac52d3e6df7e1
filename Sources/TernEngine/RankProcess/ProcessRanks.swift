// Ranks in a child process that is watched: when it ends or hangs, another is started with what the first
// one settled. Which sequences go on then is the loops' concern.

import Synchronization

/// The ranks of all replicas in a child process.
///
/// One thread starts every child and waits for its end: a child dies with the thread that started it.
final class ProcessRanks: RankHost {
    let summary: RankSummary
    private let watch: RankWatch
    private let thread: Thread

    /// Starts the process and waits until its ranks are ready.
    ///
    /// Throws: why the first start failed; the process is gone then.
    init(
        _ command: RankCommand, _ configuration: EngineConfiguration, vocabularySize: Int,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws(EngineError) {
        let started = Mailbox<Result<RankSummary, EngineError>>()
        let watch = RankWatch(
            command, configuration, vocabularySize: vocabularySize, report: report)
        self.watch = watch
        thread = try Thread("tern-watch") { watch.run { started.put($0) } }
        let deadline = RankWatch.startDeadline + .seconds(120)
        guard let first = started.take(within: deadline) else {
            watch.stop()
            throw EngineError(.failed, "the ranks' process did not start within \(deadline)")
        }
        do {
            summary = try first.get()
        } catch {
            _ = thread.join(within: .seconds(60))
            throw error
        }
    }

    deinit { watch.stop() }

    var status: RankStatus { watch.status }

    var communicationBytes: [String: Int] { watch.tally.named }

    func life(of group: Int) -> RankLife? { watch.life(of: group) }

    func end(life number: Int, cause: EngineError) { watch.end(life: number, cause: cause) }

    func stop(within deadline: Duration) throws(EngineError) {
        watch.stop()
        guard thread.join(within: deadline) else {
            throw EngineError(.failed, "the ranks' process did not end within \(deadline)")
        }
    }
}
