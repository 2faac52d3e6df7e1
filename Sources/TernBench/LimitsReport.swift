// What `tern bench limits` measured: the rates that every other figure of speed is a share of. It
// measures nothing, and knows no limit by name.

/// The limits of a machine, for one core and for all.
public struct LimitsReport: Sendable, Equatable {
    /// One limit.
    public struct Row: Sendable, Equatable {
        /// For a program, as in `memory_read`.
        public let key: String
        /// For a person.
        public let name: String
        /// Bytes or operations, per second.
        public let unit: Unit
        /// What was measured; nil where the processor lacks it.
        public let rate: Rate?

        /// A limit and its rate.
        public init(key: String, name: String, unit: Unit, rate: Rate?) {
            self.key = key
            self.name = name
            self.unit = unit
            self.rate = rate
        }
    }

    /// What a rate counts.
    public enum Unit: String, Sendable {
        case bytes = "bytes_per_s"
        case operations = "op_per_s"

        /// A billion of it, for a person.
        fileprivate var billions: String {
            switch self {
            case .bytes: "GB/s"
            case .operations: "Gop/s"
            }
        }
    }

    /// How fast one core is, and all are.
    public struct Rate: Sendable, Equatable {
        /// Of one thread alone, per second.
        public let perCore: Double
        /// Of all threads together, per second.
        public let allCores: Double
        /// The fastest way, for a person.
        public let way: String

        /// A rate as measured.
        public init(perCore: Double, allCores: Double, way: String) {
            self.perCore = perCore
            self.allCores = allCores
            self.way = way
        }
    }

    /// Threads that measured together.
    public let threads: Int
    /// All limits, those that the processor lacks too.
    public let rows: [Row]

    /// A report of measurements.
    public init(threads: Int, rows: [Row]) {
        self.threads = threads
        self.rows = rows
    }

    /// For a person: billions a second.
    public var table: String {
        let title = threads == 1 ? "1 core" : "\(threads) cores"
        let head = ["", "1 core", title, ""]
        let lines = ([head] + rows.map(cells)).map { cells in
            var line = cells[0] + String(repeating: " ", count: max(1, 28 - cells[0].count))
            for cell in cells[1...2] {
                line += String(repeating: " ", count: max(1, 10 - cell.count)) + cell
            }
            return cells[3].isEmpty ? line : line + "  " + cells[3]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func cells(_ row: Row) -> [String] {
        guard let rate = row.rate else { return [row.name, "", "", "not on this processor"] }
        let figures = [rate.perCore, rate.allCores].map { ($0 / 1e9).text(decimals: 1) }
        return [row.name] + figures + ["\(row.unit.billions), \(rate.way)"]
    }
}
