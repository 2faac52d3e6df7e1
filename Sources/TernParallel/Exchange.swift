// What moves in an all-to-all: a table made once per step, so that a layer's exchange makes nothing.

/// A rectangle of a matrix.
public struct Tile: Sendable, Equatable {
    /// Its rows.
    public let rows: Range<Int>
    /// Its columns.
    public let columns: Range<Int>

    /// A rectangle.
    public init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    /// Nothing.
    public static let empty = Tile(rows: 0..<0, columns: 0..<0)
    /// Number of elements.
    public var count: Int { rows.count * columns.count }
}

/// The tiles that one rank gives to and takes from each member of a group, itself included.
///
/// The i-th tile that a member sends to another has the shape of the i-th that the other receives
/// from it; either may be empty.
public struct Exchange: Sendable, Equatable {
    /// How many tiles go from each member to each.
    public let tilesPerMember: Int
    /// Tiles of the input, `tilesPerMember` for each member in the group's order.
    public let sends: [Tile]
    /// Tiles of the output, likewise.
    public let receives: [Tile]

    /// A table of tiles.
    public init(tilesPerMember: Int = 1, sends: [Tile], receives: [Tile]) {
        precondition(
            sends.count == receives.count && sends.count.isMultiple(of: tilesPerMember),
            "exchange: \(sends.count) tiles to send, \(receives.count) to receive")
        self.tilesPerMember = tilesPerMember
        self.sends = sends
        self.receives = receives
    }
}
