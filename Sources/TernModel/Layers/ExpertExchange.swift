// Tokens on their way to the ranks of their experts, and the results on their way back: packing, two
// all-to-alls, and the sum of what comes back. It runs no expert; MixtureOfExperts does.
//
// Source: the dispatch and combine of GShard, arXiv 2006.16668, without its capacity limit.

import TernParallel
import TernPlanning
import TernTensor

/// One layer's tables: what goes there, and the way back.
struct ExpertRoute: Sendable {
    /// Tokens to the ranks of their experts, and sums back to the ranks of their tokens.
    let there, back: Exchange
    /// Rows that this rank sends, and that it receives.
    let sent, received: Int
}

/// The buffers of that exchange, for the largest step.
///
/// A row is a token: its hidden values, the experts it goes to, as numbers, and their shares. It is
/// sent once to each rank that has any of them, so the worst case is that every token of the step
/// has an expert here (rows received), and that each own one has its experts on as many ranks as
/// there can be (rows sent).
/// Cost: two tables of a tile per member are made for each layer, for only the router knows counts.
struct ExpertExchange: Sendable {
    /// Shape: `[1, members]` and `[members, members]`, int32: rows from each to each.
    private let counts, allCounts: Tensor
    /// Shape: `[rows sent, hidden + 2 perToken]`.
    private let outgoing: Tensor
    /// The token of each row. Shape: `[rows sent]`, int32.
    private let tokens: Tensor
    /// Shape: `[tokens of the step, hidden + 2 perToken]`.
    private let incoming: Tensor
    /// The experts of each row received, and their shares. Shape: `[rows received, perToken]`.
    let chosen, shares: Tensor
    /// What the own experts give for them. Shape: `[rows received, hidden]`.
    let sums: Tensor
    /// What came back. Shape: `[rows sent, hidden]`.
    private let returned: Tensor
    /// For each own token and member its row, or -1; 1; and the member. Shape: `[n, members]`.
    private let rowOfMember, ones, places: Tensor
    private let hidden: Int
    private let members: Int
    /// Memory of all buffers.
    let bytes: Int

    /// Reserves the buffers; nil where no view lets tokens travel.
    init?(
        _ experts: ExpertConfiguration, hidden: Int, layout: RankLayout, tokens: Int
    ) throws(StorageError) {
        let views = layout.allViews.filter(ExpertSharing.isDispatched)
        guard let members = views.map(\.expertGroup.size).max() else { return nil }
        let own =
            views.map { view in
                let local = TokenPartition(tokens: tokens, among: view.sequenceGroup.size)[0].count
                return ExpertSharing(view, tokens: local).slices[0].count
            }.max() ?? 0
        var bytes = 0
        func buffer(
            _ rows: Int, _ columns: Int, _ dtype: DType = .float32
        ) throws(StorageError) -> Tensor {
            bytes += rows * columns * dtype.bytes
            return try Tensor(zeros: [rows, columns], dtype: dtype)
        }
        let allTokens = tokens * layout.topology.lockstepSize
        let width = hidden + 2 * experts.perToken
        let most = own * min(members, experts.perToken)
        counts = try buffer(1, members, .int32)
        allCounts = try buffer(members, members, .int32)
        outgoing = try buffer(most, width)
        self.tokens = try Tensor(zeros: [most], dtype: .int32)
        incoming = try buffer(allTokens, width)
        chosen = try buffer(allTokens, experts.perToken, .int32)
        shares = try buffer(allTokens, experts.perToken)
        sums = try buffer(allTokens, hidden)
        returned = try buffer(most, hidden)
        rowOfMember = try buffer(own, members, .int32)
        ones = try buffer(own, members)
        places = try buffer(own, members, .int32)
        (self.hidden, self.members) = (hidden, members)
        self.bytes = bytes + 4 * most
        ones.withElements(of: Float.self) { $0.update(repeating: 1) }
        places.withElements(of: Int32.self) { places in
            for entry in places.indices { places[entry] = Int32(entry % members) }
        }
    }

    /// Hidden values of the rows received. Shape: `[rows, hidden]`.
    func received(_ route: ExpertRoute) -> Tensor {
        incoming.tile(rows: 0..<route.received, columns: 0..<hidden)
    }

    /// Sends tokens to the ranks of their experts, and unpacks what came from others' tokens.
    ///
    /// Shape: `input [n, hidden]`, `chosen [n, perToken]` int32, `shares [n, perToken]`.
    /// Cost: an all-gather of the counts, and an all-to-all of a row per token and rank.
    func send(
        _ input: Tensor, chosen: Tensor, shares: Tensor, _ dispatch: ExpertDispatch,
        _ sharing: ExpertSharing, _ step: StepContext
    ) throws(CommunicationError) -> ExpertRoute {
        let group = sharing.group
        place(chosen, dispatch)
        try step.communicator.allGather(
            counts, into: allCounts, rows: TokenPartition(tokens: members, among: members),
            over: group)
        let route = route(at: group.index)
        let rows = outgoing.prefix(route.sent)
        step.backend.gather(
            input, rows: tokens.prefix(route.sent),
            into: rows.tile(rows: 0..<route.sent, columns: 0..<hidden))
        pack(chosen, shares, rows: route.sent)
        try step.communicator.allToAll(outgoing, into: incoming, route.there, over: group)
        unpack(rows: route.received)
        return route
    }

    /// Takes the members' sums back and adds each token's by the tree over members, as an
    /// all-reduce would. Shape: `[n, hidden]`.
    func collect(
        _ route: ExpertRoute, into output: Tensor, over group: RankGroup, _ step: StepContext
    ) throws(CommunicationError) {
        try step.communicator.allToAll(sums, into: returned, route.back, over: group)
        let tokens = output.shape[0]
        step.backend.combine(
            returned.prefix(route.sent), slots: rowOfMember.prefix(tokens),
            weights: ones.prefix(tokens), parts: places.prefix(tokens), into: output)
    }

    /// Gives each pair of a token and a member that has an expert of it a row, member by member.
    private func place(_ chosen: Tensor, _ dispatch: ExpertDispatch) {
        let perToken = chosen.shape[1]
        chosen.withElements(of: Int32.self) { chosen in
            counts.withElements(of: Int32.self) { counts in
                rowOfMember.withElements(of: Int32.self) { table in
                    counts.update(repeating: 0)
                    table.update(repeating: -1)
                    for (choice, expert) in chosen.enumerated() {
                        let member = dispatch.member(of: expert, among: members)
                        let entry = choice / perToken * members + member
                        if table[entry] < 0 {
                            table[entry] = counts[member]
                            counts[member] += 1
                        }
                    }
                    shift(table, by: counts, tokens: chosen.count / perToken)
                }
            }
        }
    }

    /// Turns rows counted within a member into rows of all, and notes the token of each.
    private func shift(
        _ table: UnsafeMutableBufferPointer<Int32>, by counts: UnsafeMutableBufferPointer<Int32>,
        tokens count: Int
    ) {
        tokens.withElements(of: Int32.self) { tokens in
            var first: Int32 = 0
            for member in 0..<members {
                for token in 0..<count where table[token * members + member] >= 0 {
                    table[token * members + member] += first
                    tokens[Int(table[token * members + member])] = Int32(token)
                }
                first += counts[member]
            }
        }
    }

    /// The tables that follow from all members' counts.
    private func route(at index: Int) -> ExpertRoute {
        let (given, taken) = allCounts.withElements(of: Int32.self) { all in
            (
                (0..<members).map { Int(all[index * members + $0]) },
                (0..<members).map { Int(all[$0 * members + index]) }
            )
        }
        let (sends, receives) = (TokenPartition(counts: given), TokenPartition(counts: taken))
        func tiles(_ rows: TokenPartition, _ columns: Int) -> [Tile] {
            (0..<members).map { Tile(rows: rows[$0], columns: 0..<columns) }
        }
        let width = outgoing.shape[1]
        return ExpertRoute(
            there: Exchange(sends: tiles(sends, width), receives: tiles(receives, width)),
            back: Exchange(sends: tiles(receives, hidden), receives: tiles(sends, hidden)),
            sent: sends.count, received: receives.count)
    }

    /// Writes the experts and shares of each row to send behind its hidden values.
    private func pack(_ chosen: Tensor, _ shares: Tensor, rows: Int) {
        let (perToken, width) = (chosen.shape[1], outgoing.shape[1])
        outgoing.withElements(of: Float.self) { outgoing in
            tokens.withElements(of: Int32.self) { tokens in
                chosen.withElements(of: Int32.self) { chosen in
                    shares.withElements(of: Float.self) { shares in
                        for row in 0..<rows {
                            let (to, from) = (row * width + hidden, Int(tokens[row]) * perToken)
                            for index in 0..<perToken {
                                outgoing[to + index] = Float(chosen[from + index])
                                outgoing[to + perToken + index] = shares[from + index]
                            }
                        }
                    }
                }
            }
        }
    }

    /// Reads them from the rows received.
    private func unpack(rows: Int) {
        let (perToken, width) = (chosen.shape[1], incoming.shape[1])
        incoming.withElements(of: Float.self) { incoming in
            chosen.withElements(of: Int32.self) { chosen in
                shares.withElements(of: Float.self) { shares in
                    for row in 0..<rows {
                        let (from, to) = (row * width + hidden, row * perToken)
                        for index in 0..<perToken {
                            chosen[to + index] = Int32(incoming[from + index])
                            shares[to + index] = incoming[from + perToken + index]
                        }
                    }
                }
            }
        }
    }
}
