import TernBench
import TernPlanning
import Testing

@Suite("Shift report")
struct ShiftReportTests {
    private func report(_ policy: ShiftPolicy) -> ShiftReport {
        ShiftReport(
            title: "a <model> & co", policy: policy,
            rows: [(1, 0.001, 0.002), (2, 0.002, 0.002), (4, 0.004, 0.003)].map {
                tokens, tensor, sequence in
                ShiftReport.Row(
                    tokens: tokens, tensor: [tensor, tensor * 0.9, tensor * 1.1],
                    sequence: [sequence],
                    shift: [policy.mode(tokens: tokens) == .tensor ? tensor : sequence])
            })
    }

    @Test("The table has the medians, the noise and the mode of every size")
    func table() {
        let lines = report(ShiftPolicy(.threshold(2))).table.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines[1] == "shift: tensor mode up to 2 tokens, sequence mode beyond")
        let cells = lines[5].split(separator: " ").map(String.init)
        #expect(
            cells
                == ["4", "4.00", "±10", "%", "3.00", "±0", "%", "3.00", "±0", "%", "sequence"])
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
