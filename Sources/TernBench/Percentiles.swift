// Order statistics of a handful of measurements.

/// Measurements in ascending order.
public struct Percentiles: Sendable, Equatable {
    private let sorted: [Double]

    /// Sorts measurements; there must be one at least.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "percentiles of no measurement")
        sorted = values.sorted()
    }

    /// The smallest value that at least this share of the measurements do not exceed.
    ///
    /// The nearest-rank definition: always one of the measurements.
    public func at(_ share: Double) -> Double {
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }

    /// The middle one.
    public var median: Double { at(0.5) }
    /// The smallest one.
    public var minimum: Double { sorted[0] }
    /// The largest one.
    public var maximum: Double { sorted[sorted.count - 1] }
}
