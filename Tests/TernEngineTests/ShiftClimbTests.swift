import TernPlanning
import Testing

@testable import TernEngine

/// The climb over a clock that only the steps move.
@Suite("The climb of the shift's ladder")
struct ShiftClimbTests {
    private static let ladder = (0...11).map { 1 << $0 }

    /// The fit, and how often each mode ran at each number of tokens.
    private func climb(
        _ seconds: (ParallelMode, Int) -> Double
    ) throws -> (fit: ShiftFit, runs: [Int: Int]) {
        var now = Duration.zero
        var runs: [Int: Int] = [:]
        let fit = try withoutActuallyEscaping(seconds) { seconds in
            var climb = ShiftClimb(
                budget: .seconds(2), elapsed: { now },
                seconds: { mode, tokens in
                    let time = seconds(mode, tokens)
                    now += .seconds(time)
                    runs[tokens, default: 0] += mode == .tensor ? 1 : 0
                    return time
                })
            return try climb.fit(Self.ladder)
        }
        #expect(fit.duration == now)
        return (fit, runs)
    }

    @Test("Fast steps are all measured, often where the modes are near and less where they are not")
    func whole() throws {
        let (near, often) = try climb { _, _ in 0.001 }
        #expect(near.rungs.map(\.tokens) == Self.ladder && near.outcome == .withinNoise)
        #expect(often.values.allSatisfy { $0 == ShiftClimb.repetitions + 1 })
        let (far, seldom) = try climb { mode, _ in mode == .tensor ? 0.001 : 0.002 }
        #expect(far.rungs.map(\.tokens) == Self.ladder && far.outcome == .tensorThroughout)
        #expect(seldom.values.allSatisfy { $0 == ShiftClimb.leastRepetitions + 1 })
    }

    @Test("A difference of twice the noise is not clear enough to stop early")
    func unclear() throws {
        var odd = false
        let (fit, runs) = try climb { mode, _ in
            odd = mode == .tensor ? !odd : odd
            return (mode == .tensor ? 0.001 : 0.0014) + (odd ? 0.0002 : 0)
        }
        #expect(runs.values.allSatisfy { $0 == ShiftClimb.repetitions + 1 })
        #expect(fit.rungs.allSatisfy { $0.faster == nil || $0.faster == .tensor })
    }

    @Test("The climb ends when sequence mode has won twice in a row")
    func crossing() throws {
        let (fit, _) = try climb { mode, tokens in
            mode == .tensor ? 0.001 * Double(tokens) : 0.01 + 0.0002 * Double(tokens)
        }
        #expect(fit.threshold == 8 && fit.rungs.last?.tokens == 32)
    }

    @Test("Steps that grow with their tokens never exceed the budget")
    func growing() throws {
        for base in [0.0001, 0.001, 0.01, 0.1, 0.24] {
            let (fit, _) = try climb { _, tokens in base * Double(tokens) }
            #expect(fit.duration <= .seconds(2), "\(base)")
            #expect(!fit.rungs.isEmpty)
            #expect(fit.rungs.allSatisfy { $0.tensor.median == base * Double($0.tokens) })
        }
    }

    @Test("A rung that is suddenly slow costs one turn, and is dropped")
    func slowRung() throws {
        let (fit, runs) = try climb { _, tokens in tokens < 16 ? 0.001 : 1.5 }
        #expect(fit.duration < .seconds(2) + .seconds(2 * 1.5))
        #expect(runs[16] == 1 && runs[32] == nil)
        #expect(fit.rungs.map(\.tokens) == [1, 2, 4, 8])
    }

    @Test("Where not even one token is fast enough, the fit says that nothing was measured")
    func hopeless() throws {
        let (fit, runs) = try climb { _, _ in 10 }
        #expect(fit.rungs.isEmpty && runs == [1: 1])
        #expect(fit.conclusion == "tensor mode for every step, none was measured in time")
    }
}
