import TernPlanning
import Testing

@Suite("Scheduler under random workloads")
struct SchedulerWorkloadTests {
    @Test(
        "Everyone gets the foretold text, whatever runs beside",
        arguments: 1...4, SeededRandom.seeds(6))
    func workload(plansInFlight: Int, seed: UInt64) throws {
        print("workload: \(plansInFlight) plans in flight, seed \(seed)")
        var workload = Workload(seed: seed, plansInFlight: plansInFlight)
        expectForetold(try workload.run(), of: workload, seed: seed)
    }

    @Test(
        "Everyone gets the foretold text, however often the ranks are lost",
        arguments: 1...4, SeededRandom.seeds(6))
    func restarts(plansInFlight: Int, seed: UInt64) throws {
        print("workload with restarts: \(plansInFlight) plans in flight, seed \(seed)")
        var workload = Workload(seed: seed, plansInFlight: plansInFlight, restarts: 4)
        let outcome = try workload.run()
        expectForetold(outcome, of: workload, seed: seed)
        #expect(outcome.lostPlans > 0, "seed \(seed)")
    }

    private func expectForetold(_ outcome: Outcome, of workload: Workload, seed: UInt64) {
        for (id, expected) in outcome.expected {
            let generated = outcome.generated[id] ?? []
            if outcome.departed.contains(id) {
                #expect(expected.tokens.starts(with: generated), "sequence \(id), seed \(seed)")
                #expect(outcome.finished[id] == nil)
            } else {
                #expect(generated == expected.tokens, "sequence \(id), seed \(seed)")
                #expect(outcome.finished[id] == expected.finish, "sequence \(id), seed \(seed)")
            }
        }
        #expect(outcome.expected.count + outcome.refused == workload.sequences.count)
        #expect(outcome.counts?.usedBlocks == 0)
        #expect(outcome.counts?.running == 0 && outcome.counts?.waiting == 0)
    }

    @Test("The workloads reach preemption, prefix hits, departures and full pipelines")
    func coverage() throws {
        var (steps, preemptions, hits, departures, mostInFlight) = (0, 0, 0, 0, 0)
        for seed in 1...20 {
            var workload = Workload(seed: UInt64(seed), plansInFlight: 1 + seed % 4)
            let outcome = try workload.run()
            steps += outcome.steps
            preemptions += outcome.counts?.preemptions ?? 0
            hits += outcome.counts?.prefixHitTokens ?? 0
            departures += outcome.departed.count
            mostInFlight = max(mostInFlight, outcome.mostPlansInFlight)
        }
        print("20 workloads: \(steps) steps, \(preemptions) preemptions, \(hits) tokens hit")
        #expect(steps > 1000)
        #expect(preemptions > 20)
        #expect(hits > 500)
        #expect(departures > 20)
        #expect(mostInFlight == 4)
    }
}
