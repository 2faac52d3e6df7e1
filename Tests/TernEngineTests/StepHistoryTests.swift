import TernPlanning
import Testing

@testable import TernEngine

@Suite("The last steps of an engine")
struct StepHistoryTests {
    private func plan(_ number: UInt64, tokens: Int, _ mode: ParallelMode = .tensor) -> StepPlan {
        let span = SequenceSpan(
            sequence: 0, tokens: Array(repeating: 0, count: tokens), firstPosition: 0,
            blockTable: [], sampling: nil)
        return StepPlan(number: number, mode: mode, spans: tokens == 0 ? [] : [span])
    }

    private var emptyScheduler: Scheduler {
        Scheduler(
            SchedulerConfiguration(
                maxBatchedTokens: 16, maxSequences: 4, maxModelLength: 32, blockSize: 16,
                blockCount: 4))
    }

    @Test("A step is told once it has ended, with the sums of its replicas")
    func sums() {
        let history = StepHistory()
        var recorder = LoopRecorder(group: 0, trace: nil)
        recorder.handOver([plan(0, tokens: 3, .sequence), plan(0, tokens: 0, .sequence)])
        #expect(history.steps(after: 0, atMost: 9).steps == [])
        recorder.receive([StepResult(number: 0, samples: [])], in: history)
        let recent = history.steps(after: 0, atMost: 9)
        #expect(recent.last == 1 && recent.steps.count == 1)
        #expect(recent.steps[0].tokens == 3 && recent.steps[0].sequences == 1)
        #expect(recent.steps[0].mode == .sequence)
        #expect(recent.steps[0].end <= recent.now && recent.steps[0].duration >= .zero)
        #expect(history.steps(after: 1, atMost: 9).steps == [])
        #expect(history.steps(after: 7, atMost: 9).steps == [])
    }

    @Test("Steps in flight together do not count the same time twice")
    func flights() {
        let history = StepHistory()
        var recorder = LoopRecorder(group: 0, trace: nil)
        for number in UInt64(0)..<3 { recorder.handOver([plan(number, tokens: 1)]) }
        for number in UInt64(0)..<3 {
            recorder.receive([StepResult(number: number, samples: [])], in: history)
        }
        let recent = history.steps(after: 0, atMost: 9)
        let sum = recent.steps.reduce(Duration.zero) { $0 + $1.duration }
        #expect(recent.steps.count == 3 && sum <= recent.steps[2].end)
    }

    @Test("A step that ranks took with them is no step of the history, and counts as lost")
    func lost() {
        let history = StepHistory()
        let counters = EngineCounters()
        var recorder = LoopRecorder(group: 0, trace: nil)
        recorder.handOver([plan(0, tokens: 1)])
        recorder.handOver([plan(1, tokens: 2, .sequence)])
        recorder.loseFlights()
        recorder.handOver([plan(2, tokens: 7)])
        recorder.receive([StepResult(number: 2, samples: [])], in: history)
        #expect(history.steps(after: 0, atMost: 9).steps.map(\.tokens) == [7])
        recorder.flush(emptyScheduler.counts, to: counters)
        #expect(counters.snapshot.lostSteps == [.tensor: 1, .sequence: 1])
        #expect(counters.snapshot.stepsByMode == [.tensor: 2, .sequence: 1])
        #expect(counters.snapshot.computedTokens == 10)
    }

    @Test("The newest steps are kept, in order, when more come than fit")
    func bound() throws {
        let history = StepHistory()
        let step = try #require(StepSummary([plan(0, tokens: 1)]))
        let count = UInt64(StepHistory.capacity) + 100
        for _ in 0..<count { history.add(step, from: .now, to: .now) }
        let all = history.steps(after: 0, atMost: .max)
        #expect(all.last == count)
        #expect(all.steps.map(\.number) == Array(101...count))
        #expect(zip(all.steps, all.steps.dropFirst()).allSatisfy { $0.end <= $1.end })
        #expect(history.steps(after: count - 3, atMost: 9).steps.count == 3)
        #expect(history.steps(after: 0, atMost: 2).steps.map(\.number) == [count - 1, count])
    }

    @Test("The gauges of groups of replicas add up, and each group's take the place of its last")
    func gauges() throws {
        let counters = EngineCounters()
        #expect(counters.snapshot.scheduler == nil)
        var scheduler = emptyScheduler
        for group in [0, 1, 0] {
            counters.add(StepTally(), scheduler.counts, of: group)
            try scheduler.add(
                Sequence(
                    id: SequenceID(UInt64(scheduler.counts.waiting)), prompt: [1],
                    parameters: SamplingParameters(seed: 0)))
        }
        #expect(counters.snapshot.scheduler?.waiting == 2 + 1)
        #expect(counters.snapshot.scheduler?.totalBlocks == 8)
    }

    @Test("An engine tells each step that it counts")
    func engine() throws {
        let engine = try Engine.tiny()
        defer { try? engine.stop() }
        _ = try engine.answer(
            GenerationRequest(prompt: tokens(20), parameters: engine.greedy(5)))
        let recent = engine.steps(after: 0, atMost: .max)
        #expect(Int(recent.last) == engine.metrics.steps)
        #expect(recent.steps.reduce(0) { $0 + $1.tokens } == engine.metrics.computedTokens)
        #expect(recent.steps.first?.tokens == 20)
    }
}
