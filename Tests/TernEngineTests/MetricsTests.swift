import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("The engine in numbers", .serialized)
struct MetricsTests {
    @Test("A value on a bound is below it, one above all bounds is counted too")
    func histogram() {
        var histogram = Histogram(bounds: [1, 10])
        for value in [0, 1, 1.5, 10, 11] { histogram.record(value) }
        #expect(histogram.counts == [2, 2, 1])
        #expect(histogram.sum == 23.5 && histogram.count == 5)
    }

    @Test("Every token, step and choice is in the distributions, once")
    func latencies() throws {
        let engine = try Engine.tiny {
            $0.topology = Topology(sequence: 2)
            $0.shift = .given(ShiftPolicy(.threshold(8)))
        }
        var request = GenerationRequest(prompt: tokens(20), parameters: engine.greedy(5))
        _ = try engine.answer(request)
        request.choices = 2
        _ = try engine.answer(request)
        let metrics = engine.metrics
        let found = metrics.histograms
        for histogram in [
            found.timeToFirstToken, found.queueTime, found.prefillTime, found.decodeTime,
            found.endToEnd, found.timePerOutputToken,
        ] { #expect(histogram.count == 3) }
        #expect(found.interTokenLatency.count == 3 * 4)
        #expect(found.stepDuration.mapValues(\.count) == metrics.stepsByMode)
        #expect(found.stepTokens.count == metrics.steps)
        #expect(found.stepTokens.sum == Double(metrics.computedTokens))
        let parts = found.queueTime.sum + found.prefillTime.sum
        #expect(abs(found.timeToFirstToken.sum - parts) < 1e-6)
        #expect(abs(found.endToEnd.sum - parts - found.decodeTime.sum) < 1e-6)
        #expect(metrics.generatedTokens == 15 && metrics.finished == [.length: 3])
        try engine.stop()
    }

    @Test("A shift is a step in another mode than the last, and bytes are told by collective")
    func shifts() throws {
        let engine = try Engine.tiny {
            $0.topology = Topology(sequence: 2)
            $0.shift = .given(ShiftPolicy(.threshold(8)))
            $0.enablesPrefixCaching = false
        }
        #expect(engine.metrics.communicationBytes.values.allSatisfy { $0 == 0 })
        for salt in 0..<2 {
            let prompt = tokens(20, salt: salt)
            _ = try engine.answer(GenerationRequest(prompt: prompt, parameters: engine.greedy(4)))
        }
        // Sequence, tensor, sequence, tensor.
        #expect(engine.metrics.shifts == 3)
        let bytes = engine.metrics.communicationBytes
        #expect(bytes.keys.count == 7)
        #expect((bytes["all_to_all"] ?? 0) > 0 && (bytes["all_reduce"] ?? 0) > 0)
        #expect(bytes["send_receive"] == 0)
        try engine.stop()
    }
}
