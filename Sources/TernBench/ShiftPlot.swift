// A shift report as a picture: step time over tokens, both axes logarithmic, a line for each way and
// the threshold drawn in. It is text in SVG 1.1 and needs nothing to draw it.

import Glibc
import TernPlanning

/// The plot of one report.
public struct ShiftPlot: Sendable {
    private static let (width, height) = (760.0, 460.0)
    private static let (left, right, top, bottom) = (80.0, 20.0, 50.0, 60.0)
    private let report: ShiftReport
    /// Ends of the axes, in powers of two and of ten.
    private let tokens, seconds: ClosedRange<Double>

    /// A plot of a report with one row at least.
    public init(_ report: ShiftReport) {
        precondition(!report.rows.isEmpty, "a plot of 0 rows, 1 is the least")
        self.report = report
        let counts = report.rows.map { log2(Double($0.tokens)) }
        tokens = (counts.min() ?? 0)...max(1, counts.max() ?? 1)
        let medians = report.rows.flatMap { [$0.tensor, $0.sequence, $0.shift] }.map(\.median)
        let exponents = medians.map { log10(max($0, 1e-9)) }
        let floor = (exponents.min() ?? 0).rounded(.down)
        seconds = floor...max(floor + 1, (exponents.max() ?? 0).rounded(.up))
    }

    /// The picture.
    public var svg: String {
        let (width, height) = (Int(Self.width), Int(Self.height))
        let body = [title] + grid + curves + threshold
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" \
            font-family="sans-serif" font-size="12">
            <rect width="\(width)" height="\(height)" fill="white"/>
            \(body.joined(separator: "\n"))
            </svg>

            """
    }

    private var title: String {
        let words = Self.text(report.title + ": " + report.choice, x: Self.left, y: 22, "start")
        let axis = Self.text("tokens of a step", x: 400, y: Self.height - 18, "middle")
        return words + "\n" + axis + "\n" + Self.text("time", x: 12, y: Self.top - 8, "start")
    }

    /// A line for every power of two, a line for every power of ten.
    private var grid: [String] {
        var lines: [String] = []
        for row in report.rows {
            let x = x(row.tokens)
            lines.append(Self.line(x, Self.top, x, Self.height - Self.bottom, "#e4e4e4"))
            lines.append(
                Self.text("\(row.tokens)", x: x, y: Self.height - Self.bottom + 18, "middle"))
        }
        for exponent in Int(seconds.lowerBound)...Int(seconds.upperBound) {
            let y = y(pow(10, Double(exponent)))
            lines.append(Self.line(Self.left, y, Self.width - Self.right, y, "#e4e4e4"))
            lines.append(Self.text(Self.name(exponent), x: Self.left - 8, y: y + 4, "end"))
        }
        return lines
    }

    private var curves: [String] {
        let kinds: [(String, String, String, KeyPath<ShiftReport.Row, RepeatedTime>)] = [
            ("shift", "#bdbdbd", "7", \.shift), ("tensor", "#0b6bb5", "2", \.tensor),
            ("sequence", "#d1500a", "2", \.sequence),
        ]
        return kinds.enumerated().flatMap { index, kind in
            let (name, color, width, time) = kind
            let points = report.rows.map {
                "\(Self.tenths(x($0.tokens))),\(Self.tenths(y($0[keyPath: time].median)))"
            }
            let bars = report.rows.map { row in
                let (median, spread) = (row[keyPath: time].median, row[keyPath: time].deviation)
                let x = x(row.tokens)
                return Self.line(x, y(median - spread), x, y(median + spread), color)
            }
            let style = "fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\""
            let curve = "<polyline \(style) points=\"\(points.joined(separator: " "))\"/>"
            let place = Self.top + 16 + 16 * Double(index)
            return [curve] + bars
                + [Self.text(name, x: Self.left + 12, y: place, "start", color: color)]
        }
    }

    /// A dashed line where the mode changes, if that is within the plot.
    private var threshold: [String] {
        guard let count = report.threshold, tokens.contains(log2(Double(count))) else { return [] }
        let x = x(count)
        return [
            Self.line(x, Self.top, x, Self.height - Self.bottom, "black", dash: "5 4"),
            Self.text("threshold \(count)", x: x, y: Self.top - 6, "middle"),
        ]
    }

    private func x(_ count: Int) -> Double {
        let share = (log2(Double(count)) - tokens.lowerBound) / span(tokens)
        return Self.left + share * (Self.width - Self.left - Self.right)
    }

    /// Times below the axis lie on it.
    private func y(_ time: Double) -> Double {
        let exponent = max(seconds.lowerBound, log10(max(time, 1e-9)))
        let share = (exponent - seconds.lowerBound) / span(seconds)
        return Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
    }

    private func span(_ range: ClosedRange<Double>) -> Double {
        max(1e-9, range.upperBound - range.lowerBound)
    }

    /// A power of ten seconds, as people say it.
    private static func name(_ exponent: Int) -> String {
        func one(_ zeros: Int) -> String { "1" + String(repeating: "0", count: zeros) }
        return switch exponent {
        case 0...: one(exponent) + " s"
        case (-3)...: one(exponent + 3) + " ms"
        case (-6)...: one(exponent + 6) + " µs"
        default: "1e\(exponent) s"
        }
    }

    private static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, dash: String = ""
    ) -> String {
        let dashes = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
        return "<line x1=\"\(tenths(x1))\" y1=\"\(tenths(y1))\" x2=\"\(tenths(x2))\" "
            + "y2=\"\(tenths(y2))\" stroke=\"\(color)\"\(dashes)/>"
    }

    private static func text(
        _ words: String, x: Double, y: Double, _ anchor: String, color: String = "#222222"
    ) -> String {
        let escaped = words.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(tenths(x))\" y=\"\(tenths(y))\" text-anchor=\"\(anchor)\" "
            + "fill=\"\(color)\">\(escaped)</text>"
    }

    private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
