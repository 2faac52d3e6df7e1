import Testing

@testable import TernModel

@Suite("Rows in turns")
struct RowTurnsTests {
    @Test("Turns hold every row once, in order, nearly equal and none beyond the bound")
    func cut() {
        for rows in 0...70 {
            for most in 1...20 {
                let turns = RowTurns(rows, atMost: most)
                #expect(turns.count == max(1, (rows + most - 1) / most))
                let ranges = (0..<turns.count).map { turns[$0] }
                #expect(ranges.flatMap { Array($0) } == Array(0..<rows))
                let counts = ranges.map(\.count)
                #expect((counts.max() ?? 0) <= most)
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
                for row in 0..<rows { #expect(ranges[turns.turn(of: row)].contains(row)) }
            }
        }
    }
}
