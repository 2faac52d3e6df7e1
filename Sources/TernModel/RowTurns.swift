// Rows that are taken one run after another, so that what is made of them needs the room of one run.
// The numbers of a row never depend on which rows are taken with it.

/// Rows in as few runs as a bound allows, their lengths nearly equal.
struct RowTurns: Sendable, Equatable {
    /// Number of rows.
    let rows: Int
    /// Number of runs, at least one; a run is empty only where there are no rows.
    let count: Int

    /// Cuts rows into runs of at most so many.
    init(_ rows: Int, atMost most: Int) {
        precondition(rows >= 0 && most > 0, "turns: \(rows) rows, at most \(most) at once")
        self.rows = rows
        count = max(1, (rows + most - 1) / most)
    }

    /// The rows of one run.
    subscript(turn: Int) -> Range<Int> {
        turn * rows / count..<(turn + 1) * rows / count
    }

    /// The run that a row is in.
    func turn(of row: Int) -> Int {
        precondition(row >= 0 && row < rows, "turns: row \(row) of \(rows)")
        return ((row + 1) * count - 1) / rows
    }
}
