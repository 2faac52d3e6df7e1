// Metrics as text that Prometheus reads. It knows the format; names and values are MetricsPage's.
//
// Source: Prometheus, "Exposition formats", text format 0.0.4.

import TernEngine

/// A page of metrics in the making.
struct PrometheusText {
    /// The type to serve it as.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// A label's name and its value.
    typealias Label = (name: String, value: String)

    private(set) var text = ""
    /// Every series has these.
    private let labels: [Label]

    init(labels: [Label]) { self.labels = labels }

    /// A value that goes up and down.
    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        head(name, help, "gauge")
        line(name, [], "\(value)")
    }

    /// A value that only grows.
    mutating func counter(_ name: String, _ help: String, _ value: Int) {
        head(name, help, "counter")
        line(name, [], "\(value)")
    }

    /// The same by a label.
    mutating func counter(
        _ name: String, _ help: String, by label: String, _ values: [(String, Int)]
    ) {
        head(name, help, "counter")
        for (key, value) in values { line(name, [(label, key)], "\(value)") }
    }

    /// A distribution.
    mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        head(name, help, "histogram")
        series(name, [], histogram)
    }

    /// The same by a label.
    mutating func histogram(
        _ name: String, _ help: String, by label: String, _ histograms: [(String, Histogram)]
    ) {
        head(name, help, "histogram")
        for (key, histogram) in histograms { series(name, [(label, key)], histogram) }
    }

    private mutating func head(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Buckets are told with all that lie below them.
    private mutating func series(_ name: String, _ own: [Label], _ histogram: Histogram) {
        var sum = 0
        for (index, count) in histogram.counts.enumerated() {
            sum += count
            let isLast = index == histogram.bounds.count
            let bound = isLast ? "+Inf" : "\(histogram.bounds[index])"
            line(name + "_bucket", own + [("le", bound)], "\(sum)")
        }
        line(name + "_sum", own, "\(histogram.sum)")
        line(name + "_count", own, "\(sum)")
    }

    private mutating func line(_ name: String, _ own: [Label], _ value: String) {
        let all = (labels + own).map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
        text += "\(name){\(all.joined(separator: ","))} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
