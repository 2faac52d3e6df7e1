// How often values fell between fixed bounds, as /metrics tells it. It knows neither names nor units.

/// Counts of values by upper bounds.
public struct Histogram: Sendable, Equatable {
    /// Upper bounds, ascending; a value equal to a bound is below it.
    public let bounds: [Double]
    /// Values up to each bound and above the one before it; the last count is of those above all.
    public private(set) var counts: [Int]
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// A histogram without values.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Values in all.
    public var count: Int { counts.reduce(0, +) }

    /// Counts a value, so many times. Cost: linear in the bounds below it.
    public mutating func record(_ value: Double, times: Int = 1) {
        var index = 0
        while index < bounds.count && value > bounds[index] { index += 1 }
        counts[index] += times
        sum += value * Double(times)
    }
}
