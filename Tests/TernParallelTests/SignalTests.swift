import CTernThreads
import TernParallel
import Testing

@Suite("Signals between threads", .timeLimit(.minutes(1)))
struct SignalTests {
    @Test("A count is reached modulo 2^32, a wait has a limit, and an abort ends all waits")
    func ends() throws {
        let signals = try #require(tern_signals_create(2))
        defer { tern_signals_destroy(signals) }
        func wait(_ index: Int32, _ count: UInt32) -> Int {
            Int(tern_signals_wait(signals, index, count, 1000, 30_000_000))
        }
        #expect(wait(0, 0) == TERN_REACHED)
        #expect(wait(0, .max) == TERN_REACHED, "one before 0")
        #expect(wait(0, 1) == TERN_DEADLINE)
        tern_signals_post(signals, 0)
        #expect(wait(0, 1) == TERN_REACHED)
        #expect(wait(1, 1) == TERN_DEADLINE, "another counter")
        #expect(tern_signals_aborted(signals) == 0)
        tern_signals_abort(signals)
        #expect(wait(0, 1) == TERN_ABORTED && wait(1, 1) == TERN_ABORTED)
    }

    @Test("Ranks that sleep at every meeting are woken, and not by the clock")
    func wakes() throws {
        let rounds = 2000
        let world = try LocalWorld(ranks: 2, deadline: .seconds(50), spin: .zero)
        let start = ContinuousClock.now
        let found: [Outcome<Int>] = try outcomes(of: 2, in: world) { communicator in
            let group = group([1, 0], of: communicator.rank)
            for _ in 0..<rounds { try communicator.barrier(over: group) }
            return communicator.counts.calls(.barrier)
        }
        #expect(try found.map { try $0.get() } == [rounds, rounds])
        // Were each second wakeup lost, 20 ms of sleep would follow it.
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
