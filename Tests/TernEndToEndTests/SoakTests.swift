import Glibc
import Synchronization
import TernEngine
import TernPlanning
import TernTesting
import Testing

/// A mixed load, and a kill of the ranks' process every few hundred steps, until enough of them hit.
/// `make soak` runs it alone and longer, for `TERN_SOAK_SECONDS`, with fewer kills a step.
@Suite("Soak")
struct SoakTests {
    private static let asked = getenv("TERN_SOAK_SECONDS").flatMap { Int(String(cString: $0)) }

    /// The kills of a run whose length nobody asked for, and the most it tries for steps in flight.
    private static let kills = (fewest: 8, most: 40)

    @Test(
        "No request is lost, no token is wrong, nothing grows, however often ranks are killed",
        .timeLimit(.minutes(180)))
    func soak() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("soak: seed \(seed)")
        let ranks = try ApartRanks(
            Fixture.telemachus, RankProcessTests.flags + ["-sp", "2"],
            RankProcessTests.settings(Topology(sequence: 2)))
        let engine = ranks.engine
        let requests = (0..<24).map { Self.request(engine, $0) }
        let expected = try RankProcessTests.tokens(engine, requests)
        #expect(zip(expected, requests).allSatisfy { $0.count == $1.parameters.maxTokens })
        let pauses = Self.asked == nil ? 60..<260 : 400..<1000
        let killer = Killer(of: ranks, seed: seed, everySteps: pauses)
        let thread = spawn { killer.run() }
        let start = ContinuousClock.now
        var (rounds, wrong) = (0, 0)
        var warm: Holdings?
        while !Self.isOver(engine, since: start, kills: killer.kills) {
            if try RankProcessTests.tokens(engine, requests) != expected { wrong += 1 }
            rounds += 1
            if killer.kills >= 2, warm == nil { warm = try killer.withRanksAlive(Holdings.init) }
        }
        killer.stop()
        pthread_join(thread, nil)
        let lost = engine.metrics.lostSteps
        print("soak: \(rounds) rounds of \(requests.count), \(killer.kills) kills, lost \(lost)")
        #expect(wrong == 0, "seed \(seed): \(ranks.log)")
        #expect(killer.kills >= Self.asked.map { $0 / 8 } ?? Self.kills.fewest)
        for mode in ParallelMode.allCases {
            #expect((lost[mode] ?? 0) > 0, "kills have to land in \(mode) mode; seed \(seed)")
        }
        #expect(engine.metrics.finished[.length] == (rounds + 1) * requests.count)
        if let warm {
            try killer.withRanksAlive(Holdings.init)
                .expectNoMore(than: warm, isAlone: Self.asked != nil)
        }
        try engine.stop()
    }

    /// Whether the time that was asked for is over, or kills have hit often and in either mode.
    private static func isOver(
        _ engine: Engine, since start: ContinuousClock.Instant, kills: Int
    ) -> Bool {
        if let asked { return start.duration(to: .now) >= .seconds(asked) }
        let lost = engine.metrics.lostSteps
        let isLostInBoth = ParallelMode.allCases.allSatisfy { (lost[$0] ?? 0) > 0 }
        return kills >= (isLostInBoth ? Self.kills.fewest : Self.kills.most)
    }

    /// Requests by number: short and long prompts, greedy and seeded, few and many tokens.
    private static func request(_ engine: Engine, _ number: Int) -> GenerationRequest {
        var parameters = engine.defaultParameters(maxTokens: 4 + number * 13 % 60)
        (parameters.temperature, parameters.seed) = (number % 2 == 0 ? 0 : 0.9, UInt64(number))
        parameters.ignoreEOS = true
        if number % 5 == 0 { parameters.adjustments.presencePenalty = 0.5 }
        let length = 3 + number * 37 % 120
        return GenerationRequest(
            prompt: (0..<length).map { TokenID(300 + ($0 * 7 + number * 31) % 900) },
            parameters: parameters)
    }
}

/// What this process holds of the system.
private struct Holdings {
    let descriptors = TemporaryFolder.names(in: "/proc/self/fd").count
    let threads = TemporaryFolder.names(in: "/proc/self/task").count
    let memory = Result { try Processes.residentBytes(of: getpid()) }

    /// Where other tests run in this process at the same time, they hold much more.
    func expectNoMore(than before: Holdings, isAlone: Bool) throws {
        #expect(descriptors < before.descriptors + (isAlone ? 4 : 60))
        #expect(threads < before.threads + (isAlone ? 4 : 60))
        guard isAlone else { return }
        let (now, then) = (try memory.get(), try before.memory.get())
        print("soak: resident \(then >> 20) MiB after warm-up, \(now >> 20) MiB at the end")
        #expect(now < then + 32 << 20)
    }
}

/// Kills the process of the ranks after so many steps, by turns in either mode.
private final class Killer: Sendable {
    private let ranks: ApartRanks
    private let seed: UInt64
    private let pauses: Range<Int>
    private let state = Mutex((isOver: false, kills: 0))

    init(of ranks: ApartRanks, seed: UInt64, everySteps pauses: Range<Int>) {
        self.ranks = ranks
        self.seed = seed
        self.pauses = pauses
    }

    var kills: Int { state.withLock { $0.kills } }

    func stop() { state.withLock { $0.isOver = true } }

    /// Does something once the ranks serve, and kills none meanwhile: between two lives of their
    /// process its sockets are gone.
    func withRanksAlive<Value>(_ body: () -> Value) throws -> Value {
        try state.withLock { _ in
            let deadline = ContinuousClock.now + .seconds(60)
            while !ranks.engine.metrics.ranks.areReady {
                try #require(ContinuousClock.now < deadline, "the ranks do not come back")
                usleep(1000)
            }
            return body()
        }
    }

    func run() {
        var random = seed
        while !state.withLock({ $0.isOver }) {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            pause(steps: pauses.lowerBound + Int(random >> 33) % pauses.count)
            let mode: ParallelMode = kills.isMultiple(of: 2) ? .sequence : .tensor
            guard ranks.engine.metrics.ranks.areReady, let child = ranks.child
            else { continue }
            awaitStep(mode)
            state.withLock {
                kill(child, SIGKILL)
                $0.kills += 1
            }
        }
    }

    private func pause(steps: Int) {
        let end = ranks.engine.metrics.steps + steps
        while ranks.engine.metrics.steps < end, !state.withLock({ $0.isOver }) { usleep(5000) }
    }

    /// Waits for a step in a mode to begin; it is in flight for a while.
    private func awaitStep(_ mode: ParallelMode) {
        let before = ranks.engine.metrics.stepsByMode[mode]
        for _ in 0..<20_000 where !state.withLock({ $0.isOver }) {
            if ranks.engine.metrics.stepsByMode[mode] != before { return }
            usleep(100)
        }
    }
}
