// Groups whose size does not divide the eight parts of a dimension: 3 and 6 ranks cut it elsewhere,
// so that sums are rounded otherwise. Tokens must be the same, and logprobs as near as float32 has
// them. Powers of two, which give the same bits, are TopologyBitsTests' business.

import TernEngine
import TernPlanning
import TernTesting
import Testing

@Suite("Odd sizes", .serialized)
struct OddSizesTests {
    typealias Heads = TopologyBitsTests.Heads

    private static let policy = ShiftPolicy(.threshold(7))
    /// Logprobs differ by rounding alone, of which there is less than this.
    private static let tolerance: Float = 1e-5
    /// Wide enough that an expert missing from a sum shows.
    private static let mixture = Heads(
        queries: 12, keysValues: 12, experts: 7, layers: 4, hidden: 52, expertWidth: 260)

    /// All (sp, tp) of so many ranks.
    private static func topologies(of ranks: Int, _ group: ExpertGroup? = nil) -> [Topology] {
        (1...ranks).filter { ranks.isMultiple(of: $0) }.map {
            Topology(sequence: ranks / $0, tensor: $0, expertGroup: group)
        }
    }

    /// The largest difference of the logprobs of any token of the vocabulary.
    private static func distance(
        _ found: [[TokenLogprob]], _ expected: [[TokenLogprob]]
    ) -> Float {
        zip(found, expected).map { found, expected in
            let logprobs = Dictionary(
                expected.map { ($0.token, $0.logprob) }, uniquingKeysWith: { first, _ in first })
            return found.map { abs($0.logprob - (logprobs[$0.token] ?? .infinity)) }.max() ?? 0
        }.max() ?? 0
    }

    private static func check(_ heads: Heads, _ topologies: [Topology]) throws {
        let expected = try TopologyBitsTests.answers(heads, .float32, Topology(), policy)
        #expect(Set(expected[2][0].tokens).count > 1, "an answer that varies tests more")
        for topology in topologies {
            let found = try TopologyBitsTests.answers(heads, .float32, topology, policy)
            for (found, expected) in zip(found.joined(), expected.joined()) {
                #expect(found.tokens == expected.tokens, "\(topology)")
                #expect(found.logprobs.count == expected.logprobs.count, "\(topology)")
                let distance = distance(found.logprobs, expected.logprobs)
                #expect(distance < tolerance, "\(topology)")
            }
        }
    }

    @Test(
        "3 or 6 ranks give the tokens of one, and its logprobs but for rounding", arguments: [3, 6])
    func dense(ranks: Int) throws {
        try Self.check(Heads(queries: 12, keysValues: 12, layers: 4), Self.topologies(of: ranks))
    }

    @Test(
        "So they do with experts, split or divided", arguments: [3, 6],
        [ExpertGroup?.none, .dataTensor, .dataSequenceTensor])
    func experts(ranks: Int, group: ExpertGroup?) throws {
        try Self.check(Self.mixture, Self.topologies(of: ranks, group))
    }

    @Test("An expert missing from a sum shows in the logprobs, far beyond rounding")
    func missingExpert() throws {
        // Shares are not divided by their sum, so that a token of two experts lacks its third alone.
        var lacking = Self.mixture
        lacking.perToken -= 1
        let (whole, partial) = (
            try TopologyBitsTests.answers(Self.mixture, .float32, Topology(), Self.policy),
            try TopologyBitsTests.answers(lacking, .float32, Topology(), Self.policy)
        )
        for (whole, partial) in zip(whole.joined(), partial.joined()) {
            let distance = Self.distance(
                Array(partial.logprobs.prefix(1)), Array(whole.logprobs.prefix(1)))
            #expect(distance > 100 * Self.tolerance)
        }
    }
}
