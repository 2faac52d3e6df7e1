import TernBench
import TernCPU
import TernTensor
import Testing

@testable import tern

@Suite("Products timed within steps")
struct ProductTimerTests {
    @Test("Each product counts once, as a prompt's or as decoding's, those of no rows not at all")
    func counts() throws {
        let base = try CPUBackend(processors: [0], pins: false)
        let times = ProductTimes(sequences: 2)
        let timer = ProductTimer(base, times)
        let weight = try PackedWeight(
            layout: PanelLayout(blocks: [20, 20]), inputParts: [0, 8, 16], dtype: .bfloat16)
        let values = try Tensor(zeros: [40, 16])
        timer.fillRandom(values, seed: 1, scale: 1)
        timer.pack(
            [
                PackJob(
                    source: values.storage, byteOffset: 0, rowStride: 16, dtype: .float32, block: 0)
            ], into: weight)
        let half = weight.outputs(blocks: 0..<1)
        for (rows, view) in [(3, weight), (2, half), (1, weight), (0, weight)] {
            let (found, expected) = (
                try Tensor(zeros: [rows, view.outputs]), try Tensor(zeros: [rows, view.outputs])
            )
            timer.linear(values.rows(0..<rows), view, bias: nil, into: found)
            base.linear(values.rows(0..<rows), view, bias: nil, into: expected)
            let isSame = found.withElements(of: Float.self) { one in
                expected.withElements(of: Float.self) { other in one.elementsEqual(other) }
            }
            #expect(isSame, "\(rows) rows")
        }
        let products = times.take()
        #expect(products.prefill.operations == 2 * 3 * 16 * 40)
        #expect(products.prefill.bytes == 2 * 16 * 40)
        #expect(products.decode.operations == 2 * 16 * (2 * 20 + 40))
        #expect(products.decode.bytes == 2 * 16 * (20 + 40))
        #expect(products.prefill.seconds > 0 && products.decode.seconds > 0)
        #expect(times.take() == PhaseProducts())
    }
}
