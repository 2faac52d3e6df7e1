import TernParallel
import TernPlanning
import TernTensor
import Testing

@testable import TernModel

@Suite("The exchange of tokens for experts", .timeLimit(.minutes(1)))
struct ExpertExchangeTests {
    /// Two experts for each of four ranks; two experts for each token.
    private static let model = TinyModel(layers: 1, experts: 8)
    private static let topology = Topology(sequence: 4, expertGroup: .dataSequenceTensor)

    /// The experts of each token of each rank.
    struct Routing: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let experts: [[[Int]]]
    }

    static let routings = [
        Routing(
            testDescription: "all tokens to one member",
            experts: [[[4, 5], [4, 5]], [[4, 5]], [[4, 5], [4, 5], [4, 5]], [[4, 5]]]),
        Routing(
            testDescription: "none to the second member",
            experts: [[[0, 4], [6, 7]], [[0, 1]], [[5, 7], [1, 6]], [[4, 6], [0, 7]]]),
        Routing(
            testDescription: "ranks without tokens among others",
            experts: [[], [[0, 7], [2, 3], [1, 4]], [], [[3, 5]]]),
        Routing(testDescription: "one token alone", experts: [[], [], [[1, 6]], []]),
        Routing(testDescription: "no token at all", experts: [[], [], [], []]),
    ]

    /// A row on its way: a token's hidden values begin with its number.
    private struct Row: Equatable, Sendable {
        let token: Float
        let experts: [Int]
        let shares: [Float]
    }

    private struct Found: Sendable {
        let rows: [Row]
        /// Rows to and from each member there, and from each on the way back.
        let sent, received, returned: [Int]
        let sums: [[Float]]
    }

    /// What stands in a token's row. Small integers, so that no order of sums shows.
    private static func value(_ rank: Int, _ token: Int, _ column: Int) -> Float {
        Float(16 * rank + token + 1 + column * 3 % 7)
    }

    /// The share of a token's first expert, or of its second.
    private static func share(_ token: Int, _ choice: Int) -> Float {
        Float(choice == 0 ? token + 1 : 8) / 8
    }

    /// What stands in for an expert: a multiple of its input.
    private static func factor(_ expert: Int) -> Float { Float(expert * expert + 1) }

    @Test(
        "Each member gets one row for each token that has an expert there, and the sums come back",
        arguments: routings)
    func exchange(routing: Routing) throws {
        let found = try ModelRanks(Self.model, Self.topology).onEveryRank { rank in
            try exchange(routing.experts[rank.layout.headGroup.index], on: rank)
        }
        for (member, found) in found.enumerated() {
            let own = 2 * member..<2 * member + 2
            var rows: [Row] = []
            for (rank, tokens) in routing.experts.enumerated() {
                for (token, experts) in tokens.enumerated()
                where experts.contains(where: own.contains) {
                    rows.append(
                        Row(
                            token: Self.value(rank, token, 0), experts: experts,
                            shares: [Self.share(token, 0), Self.share(token, 1)]))
                }
            }
            #expect(found.rows == rows, "member \(member)")
            let (given, taken) = counts(routing.experts, member)
            #expect(found.sent == given, "member \(member)")
            #expect(found.received == taken, "member \(member)")
            #expect(found.returned == given, "member \(member)")
            #expect(found.sums == sums(routing.experts[member], member), "member \(member)")
        }
    }

    /// Rows from one member to each, and from each to it.
    private func counts(_ routing: [[[Int]]], _ member: Int) -> (given: [Int], taken: [Int]) {
        func count(_ from: Int, _ to: Int) -> Int {
            routing[from].count { $0.contains { $0 / 2 == to } }
        }
        return ((0..<4).map { count(member, $0) }, (0..<4).map { count($0, member) })
    }

    /// The plain sum over each token's experts.
    private func sums(_ experts: [[Int]], _ member: Int) -> [[Float]] {
        experts.enumerated().map { token, experts in
            (0..<Self.model.hidden).map { column in
                experts.enumerated().reduce(0) { sum, choice in
                    sum + Self.share(token, choice.offset) * Self.factor(choice.element)
                        * Self.value(member, token, column)
                }
            }
        }
    }

    /// One rank's part: sends its tokens, plays its experts on what comes, and collects.
    private func exchange(_ experts: [[Int]], on rank: ModelRank) throws -> Found {
        let step = rank.step(.sequence, tokens: 12, sampled: [])
        let buffers = try #require(rank.buffers.experts)
        let exchange = try #require(buffers.exchange)
        let (count, width) = (experts.count, Self.model.hidden)
        let member = rank.layout.headGroup.index
        let input = try Tensor(zeros: Shape(count, width))
        let chosen = try Tensor(zeros: Shape(count, 2), dtype: .int32)
        let shares = try Tensor(zeros: Shape(count, 2))
        let output = try Tensor(zeros: Shape(count, width))
        for (token, experts) in experts.enumerated() {
            input.withElements(of: Float.self) { input in
                for column in 0..<width {
                    input[token * width + column] = Self.value(member, token, column)
                }
            }
            for (choice, expert) in experts.enumerated() {
                chosen.withElements(of: Int32.self) { $0[2 * token + choice] = Int32(expert) }
                shares.withElements(of: Float.self) {
                    $0[2 * token + choice] = Self.share(token, choice)
                }
            }
        }
        let way = try exchange.send(
            input, chosen: chosen, shares: shares, buffers.dispatch, step.expertSharing, step)
        let rows = try runExperts(of: member, exchange, way)
        try exchange.collect(way, into: output, over: step.expertSharing.group, step)
        let sums = output.withElements(of: Float.self) { output in
            (0..<count).map { Array(output[$0 * width..<($0 + 1) * width]) }
        }
        return Found(
            rows: rows, sent: way.there.sends.map(\.rows.count),
            received: way.there.receives.map(\.rows.count),
            returned: way.back.receives.map(\.rows.count), sums: sums)
    }

    /// Reads the rows received and writes what the member's experts make of each.
    private func runExperts(
        of member: Int, _ exchange: ExpertExchange, _ way: ExpertRoute
    ) throws -> [Row] {
        let width = Self.model.hidden
        let received = try Tensor(zeros: Shape(way.received, width))
        if way.received > 0 { ReferenceBackend().copy(exchange.received(way), into: received) }
        return (0..<way.received).map { index in
            let experts = exchange.chosen.withElements(of: Int32.self) { chosen in
                (0..<2).map { Int(chosen[2 * index + $0]) }
            }
            let shares = exchange.shares.withElements(of: Float.self) { shares in
                (0..<2).map { shares[2 * index + $0] }
            }
            var weight: Float = 0
            for (expert, share) in zip(experts, shares) where expert / 2 == member {
                weight += share * Self.factor(expert)
            }
            let token = received.withElements(of: Float.self) { values in
                exchange.sums.withElements(of: Float.self) { sums in
                    for element in index * width..<(index + 1) * width {
                        sums[element] = weight * values[element]
                    }
                }
                return values[index * width]
            }
            return Row(token: token, experts: experts, shares: shares)
        }
    }
}
