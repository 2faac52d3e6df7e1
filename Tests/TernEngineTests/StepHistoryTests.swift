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

    @Test("A step is told once it has ended, with the sums of its replicas")
    func sums() {
        let history = StepHistory()
        history.begin([plan(0, tokens: 3, .sequence), plan(0, tokens: 0, .sequence)], of: 0)
        #expect(history.steps(after: 0, atMost: 9).steps == [])
        history.end(0, of: 0)
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
        for number in 0..<3 { history.begin([plan(UInt64(number), tokens: 1)], of: 0) }
        for number in 0..<3 { history.end(UInt64(number), of: 0) }
        let recent = history.steps(after: 0, atMost: 9)
        let sum = recent.steps.reduce(Duration.zero) { $0 + $1.duration }
        #expect(recent.steps.count == 3 && sum <= recent.steps[2].end)
    }

    @Test("A step that never ends is forgotten, and groups do not mix")
    func lost() {
        let history = StepHistory()
        history.begin([plan(0, tokens: 1)], of: 0)
        history.begin([plan(1, tokens: 2)], of: 0)
        history.begin([plan(1, tokens: 7)], of: 1)
        history.end(1, of: 0)
        history.end(0, of: 0)
        history.end(1, of: 1)
        #expect(history.steps(after: 0, atMost: 9).steps.map(\.tokens) == [2, 7])
    }

    @Test("The newest steps are kept, in order, when more come than fit")
    func bound() {
        let history = StepHistory()
        let count = UInt64(StepHistory.capacity) + 100
        for number in 0..<count {
            history.begin([plan(number, tokens: 1)], of: 0)
            history.end(number, of: 0)
        }
        let all = history.steps(after: 0, atMost: .max)
        #expect(all.last == count)
        #expect(all.steps.map(\.number) == Array(101...count))
        #expect(history.steps(after: count - 3, atMost: 9).steps.count == 3)
        #expect(history.steps(after: 0, atMost: 2).steps.map(\.number) == [count - 1, count])
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
