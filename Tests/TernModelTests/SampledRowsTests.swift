import TernPlanning
import Testing

@testable import TernModel

@Suite("Sampled rows")
struct SampledRowsTests {
    @Test("Each rank gathers the rows that lie in its tokens, counted from its first")
    func ownRows() throws {
        let model = TinyModel(queryHeads: 12, keyValueHeads: 3)
        let ranks = try ModelRanks(model, Topology(sequence: 3))
        let found = try ranks.onEveryRank { rank in
            let rows = rank.step(.sequence, tokens: 7, sampled: [0, 2, 6]).sampled
            return (
                rows.partition.boundaries,
                rows.localRows.withElements(of: Int32.self) { Array($0) }
            )
        }
        #expect(found.map(\.0) == Array(repeating: [0, 2, 2, 3], count: 3))
        #expect(found.map(\.1) == [[0, 2], [], [1]])
    }

    @Test("A row that the step has not stops the process and says both numbers")
    func beyondTheStep() async throws {
        for tokens in [0, 3] {
            let result = await #expect(
                processExitsWith: .failure, observing: [\.standardErrorContent]
            ) { [tokens = tokens as Int] in
                _ = try ModelRanks(TinyModel(), Topology(sequence: 2)).onEveryRank { rank in
                    rank.step(.sequence, tokens: tokens, sampled: [tokens]).sampled.count
                }
            }
            let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
            #expect(message.contains("sampled row \(tokens)"), "\(message)")
            #expect(message.contains("a step of \(tokens) tokens"), "\(message)")
        }
    }
}
