import TernBench
import TernPlanning
import Testing

@Suite("Shift report")
struct ShiftReportTests {
    private let rates = MachineRates(readBytesPerSecond: 1e9, operationsPerSecond: 1e9)

    private func report(_ policy: ShiftPolicy, measuring: Duration? = nil) -> ShiftReport {
        ShiftReport(
            title: "a <model> & co", policy: policy,
            rows: [(1, 0.001, 0.002), (2, 0.002, 0.002), (4, 0.004, 0.003)].map {
                tokens, tensor, sequence in
                ShiftReport.Row(
                    tokens: tokens, tensor: [tensor, tensor * 0.9, tensor * 1.1],
                    sequence: [sequence],
                    shift: [policy.mode(tokens: tokens) == .tensor ? tensor : sequence],
                    tensorBytes: 1230 * tokens, sequenceBytes: 500 * tokens,
                    work: RunWork(operations: 375_000 * Double(tokens), bytes: 500_000))
            }, rates: rates, measuring: measuring)
    }

    /// A row of measurements in milliseconds.
    private func row(
        tensor: [Double], sequence: [Double], shift: [Double], bytes: (Int, Int) = (3, 2)
    ) -> ShiftReport.Row {
        func seconds(_ values: [Double]) -> [Double] { values.map { $0 / 1000 } }
        return ShiftReport.Row(
            tokens: 8, tensor: seconds(tensor), sequence: seconds(sequence),
            shift: seconds(shift), tensorBytes: bytes.0, sequenceBytes: bytes.1,
            work: RunWork(operations: 1, bytes: 1))
    }

    @Test("The table has the medians, the noise, the mode and the bytes of every size")
    func table() {
        let lines = report(ShiftPolicy(.threshold(2))).table.split(separator: "\n")
        #expect(lines.count == 7)
        #expect(lines[1] == "shift: tensor mode up to 2 tokens, sequence mode beyond")
        let cells = lines[5].split(separator: " ").map(String.init)
        #expect(
            cells
                == ["4", "4.00", "±10", "%", "3.00", "±0", "%", "3.00", "±0", "%", "50", "%"]
                + ["sequence", "4.92", "2.00"])
        #expect(lines[6] == "verdict: shift is within the noise of the better mode at all 3 sizes")
        let measured = report(ShiftPolicy(.threshold(2)), measuring: .milliseconds(1234)).table
        #expect(measured.contains("sequence mode beyond; measured in 1.23 s\n"))
    }

    @Test("The policy keeps up within both deviations of the mode with the lower median")
    func keepsUp() {
        let (tensor, sequence) = ([9.0, 10, 11], [19.0, 20, 21])
        // Deviations are 1 and 0.5: it may lie 1.5 above 10.
        #expect(row(tensor: tensor, sequence: sequence, shift: [11, 11.5, 12]).keepsUp)
        #expect(!row(tensor: tensor, sequence: sequence, shift: [11.1, 11.6, 12.1]).keepsUp)
        #expect(!row(tensor: sequence, sequence: tensor, shift: [11.1, 11.6, 12.1]).keepsUp)
        #expect(row(tensor: tensor, sequence: sequence, shift: [5, 5, 5]).keepsUp)
    }

    @Test("A step's share is of the larger floor: memory for few tokens, arithmetic for many")
    func shareOfLimit() {
        let report = report(ShiftPolicy(.threshold(2)))
        // 0.5 ms to read beside 0.375, 0.75 and 1.5 ms to compute.
        #expect(report.rows.map(report.shareOfLimit) == [0.5, 0.375, 0.5])
    }

    @Test("The verdict names the sizes at which the policy does not keep up")
    func verdict() {
        let late = report(ShiftPolicy(.threshold(8)))
        #expect(late.laggingTokens == [4])
        #expect(
            late.verdict == "shift is slower than the better mode, beyond the noise, at 1 of 3 "
                + "sizes: 4 tokens")
        #expect(late.table.contains("tensor (slower)"))
        #expect(report(ShiftPolicy(.threshold(2))).laggingTokens.isEmpty)
    }

    @Test("Bytes are compared at the largest size, and not at all where none are moved")
    func bytes() {
        #expect(report(ShiftPolicy(.threshold(2))).tensorBytesRatio == 2.46)
        let still = row(tensor: [1], sequence: [1], shift: [1], bytes: (0, 0))
        let policy = ShiftPolicy(.threshold(2))
        let report = ShiftReport(title: "", policy: policy, rows: [still], rates: rates)
        #expect(report.tensorBytesRatio == nil)
    }

    @Test("The plot has three curves and the threshold, and escapes what SVG would read")
    func plot() {
        let svg = ShiftPlot(report(ShiftPolicy(.threshold(2)))).svg
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.split(separator: "<polyline ").count == 4)
        #expect(svg.contains(">threshold 2</text>") && svg.contains("stroke-dasharray"))
        #expect(svg.contains("a &lt;model> &amp; co") && !svg.contains("nan"))
    }

    @Test("A policy that never changes the mode draws no threshold")
    func unshifted() {
        for rule in [ShiftPolicy.Rule.threshold(.max), .threshold(0), .pinned(.sequence)] {
            let report = report(ShiftPolicy(rule))
            #expect(report.threshold == nil && report.choice.hasSuffix("mode for every step"))
            #expect(!ShiftPlot(report).svg.contains("stroke-dasharray"))
        }
    }
}
