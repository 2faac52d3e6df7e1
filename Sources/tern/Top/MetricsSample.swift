// A page of metrics as numbers, and what grew between two pages. It reads the text that any server
// with vLLM's names offers; what it does not know, it passes over.

/// The values of one page. Series that differ in the labels model_name and engine are added up.
struct MetricsSample: Equatable {
    /// A series by its name and the one label that tells it from its likes: `le`, `mode` or another.
    private var values: [String: Double] = [:]

    /// Reads a page.
    init(parsing text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: space)...])
            else { continue }
            let series = line[..<space]
            let name = series.prefix { $0 != "{" }
            let labels = Self.labels(in: series.dropFirst(name.count)).filter {
                !$0.hasPrefix("model_name=") && !$0.hasPrefix("engine=")
            }
            values[([String(name)] + labels).joined(separator: ","), default: 0] += value
        }
    }

    /// The labels between braces, each as it is written. What stands in quotes separates nothing.
    private static func labels(in text: Substring) -> [String] {
        var labels = [""]
        var (isQuoted, isEscaped) = (false, false)
        for character in text.dropFirst().dropLast() {
            if character == "\"" && !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
            if character == "," && !isQuoted {
                labels.append("")
            } else {
                labels[labels.count - 1].append(character)
            }
        }
        return labels.filter { !$0.isEmpty }
    }

    /// A value; 0 where the page has none.
    subscript(name: String) -> Double { values[name] ?? 0 }

    /// A value of a series with a label.
    subscript(name: String, label: String, value: String) -> Double {
        values["\(name),\(label)=\"\(value)\""] ?? 0
    }

    /// What counters grew by since an earlier page. Where the server was started again meanwhile,
    /// they count from zero.
    func grown(since before: MetricsSample) -> MetricsSample {
        var grown = self
        for (name, value) in values {
            let old = before.values[name] ?? 0
            grown.values[name] = value >= old ? value - old : value
        }
        return grown
    }

    /// The value that a share of a histogram's values does not exceed, taken to lie evenly within
    /// its bucket; nil where the histogram has no value.
    ///
    /// Source: Prometheus, histogram_quantile.
    func quantile(_ share: Double, of name: String) -> Double? {
        let prefix = name + "_bucket,le=\""
        let buckets = values.compactMap { key, count -> (bound: Double, count: Double)? in
            guard key.hasPrefix(prefix) else { return nil }
            let text = key.dropFirst(prefix.count).dropLast()
            let bound = text == "+Inf" ? Double.infinity : Double(text)
            return bound.map { ($0, count) }
        }.sorted { $0.bound < $1.bound }
        guard let total = buckets.last?.count, total > 0 else { return nil }
        let rank = share * total
        var below = (bound: 0.0, count: 0.0)
        for bucket in buckets {
            if bucket.count >= rank && bucket.count > below.count {
                guard bucket.bound.isFinite else { return below.bound }
                let part = (rank - below.count) / (bucket.count - below.count)
                return below.bound + (bucket.bound - below.bound) * part
            }
            below = bucket
        }
        return below.bound
    }
}
