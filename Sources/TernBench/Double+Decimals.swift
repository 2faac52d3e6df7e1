// Numbers of reports for a person, with a fixed number of decimals. For programs, the commands write
// JSON, which has them all.

extension Double {
    /// The number with so many decimals, rounded; infinite and unordered ones by their names.
    public func text(decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
        guard let scaled = Int(exactly: (magnitude * Double(scale)).rounded()) else {
            return description
        }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: max(0, decimals - fraction.count))
        let sign = self < 0 && scaled > 0 ? "-" : ""
        return sign + "\(scaled / scale)" + (decimals > 0 ? "." + zeros + fraction : "")
    }
}
