import TernPlanning
import Testing

@Suite("ShiftFit")
struct ShiftFitTests {
    /// Rungs from medians in milliseconds, each with the same noise as a share.
    private func fit(
        _ times: [(tokens: Int, tensor: Double, sequence: Double)], noise: Double = 0.02
    ) -> ShiftFit {
        ShiftFit(
            times.map { tokens, tensor, sequence in
                func samples(_ median: Double) -> [Double] {
                    [1, 1 - noise, 1 + noise].map { $0 * median / 1000 }
                }
                return ShiftRung(
                    tokens: tokens, tensor: samples(tensor), sequence: samples(sequence))
            }, measuredIn: .milliseconds(1230))
    }

    @Test("A clear crossing gives the last rung before it")
    func crossing() {
        let found = fit([(1, 1, 2), (2, 1, 2), (4, 2, 2), (8, 4, 3), (16, 8, 4)])
        #expect(found.outcome == .crossing && found.threshold == 4)
        #expect(found.policy.mode(tokens: 4) == .tensor)
        #expect(found.policy.mode(tokens: 5) == .sequence)
        #expect(found.rungs.map(\.faster) == [.tensor, .tensor, nil, .sequence, .sequence])
    }

    @Test("Equal modes stay in tensor mode, and the table says so")
    func equal() {
        let found = fit([(1, 1, 1), (64, 5, 5), (2048, 90, 90)])
        #expect(found.outcome == .withinNoise && found.threshold == .max)
        #expect(found.policy.mode(tokens: 1 << 20) == .tensor)
        #expect(found.conclusion.contains("less than the noise up to 2048 tokens"))
    }

    @Test("Sequence mode that always wins is always taken")
    func sequenceThroughout() {
        let found = fit([(1, 2, 1), (2, 3, 1)])
        #expect(found.outcome == .sequenceThroughout && found.threshold == 0)
        #expect(found.policy.mode(tokens: 1) == .sequence)
    }

    @Test("Tensor mode that wins somewhere and loses nowhere is always taken")
    func tensorThroughout() {
        let found = fit([(1, 1, 2), (2, 3, 3)])
        #expect(found.outcome == .tensorThroughout && found.threshold == .max)
    }

    @Test("Noise hides a difference that would count without it")
    func noise() {
        let times = [(1, 1.0, 1.2), (2, 1.2, 1.0)]
        #expect(fit(times, noise: 0.01).threshold == 1)
        #expect(fit(times, noise: 0.2).outcome == .withinNoise)
    }

    @Test("Sequence mode that wins below a rung that tensor mode wins was lucky there")
    func luckyRung() {
        let crossing = fit([(1, 1.1, 1), (2, 1, 2), (4, 2, 3), (8, 4, 3), (16, 8, 4)])
        #expect(crossing.outcome == .crossing && crossing.threshold == 4)
        let tensor = fit([(1, 1.1, 1), (2, 1, 2), (4, 2, 3), (8, 4, 4)])
        #expect(tensor.outcome == .tensorThroughout && tensor.threshold == .max)
    }

    @Test("No rung at all leaves the steps in tensor mode")
    func empty() {
        #expect(fit([]).threshold == .max)
    }

    @Test("Medians and half spreads do not depend on order")
    func times() {
        let time = RepeatedTime([4, 1, 2])
        #expect(time.median == 2 && time.deviation == 1.5 && time.noise == 0.75)
        #expect(RepeatedTime([3, 1]).median == 2)
    }

    @Test("The table has a line for the head, for every rung and for the choice")
    func table() {
        let lines = fit([(1, 1, 2), (2, 2, 1.005)]).lines
        #expect(lines.count == 4)
        #expect(
            lines[2].split(separator: " ").map(String.init)
                == ["shift:", "2", "2.000", "2.0", "%", "1.005", "2.0", "%", "sequence"])
        #expect(
            lines[3]
                == "shift: tensor mode up to 1 tokens, sequence mode beyond; measured in 1.23 s")
    }
}
