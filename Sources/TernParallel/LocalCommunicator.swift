// Collectives among rank threads of one process: everybody lays its operands open, meets the
// others, reads what it needs straight from their memory, and meets them again, so that buffers
// are their owners' own on return. Waiting and failing are LocalWorld's; messages between two
// ranks are in LocalCommunicator+Messages.swift.

import TernPlanning
import TernTensor

/// One rank's end among the threads of a process.
///
/// Cost: two meetings per collective, three for an all-reduce in two shots, one for a barrier; no
/// allocation.
public final class LocalCommunicator: Communicator {
    /// Whose end this is.
    public let rank: RankID
    /// Calls and bytes since the start.
    public internal(set) var counts = CollectiveCounts()

    let world: LocalWorld
    let backend: any Backend
    /// How often this rank has met each other one, modulo 2^32.
    private var meetings: [UInt32]
    /// How many messages have gone to and come from each other rank.
    var sent, received: [UInt32]
    /// The terms of a sum, kept for its memory.
    private var terms: [Tensor] = []

    /// The end of one rank; its backend moves and adds what it receives.
    public init(rank: RankID, in world: LocalWorld, backend: any Backend) {
        precondition(
            rank >= 0 && rank.rawValue < world.ranks, "rank \(rank) of \(world.ranks)")
        self.rank = rank
        self.world = world
        self.backend = backend
        meetings = Array(repeating: 0, count: world.ranks)
        sent = meetings
        received = meetings
        terms.reserveCapacity(world.ranks)
    }

    /// One shot where there are few bytes, else two; the same bits.
    public func allReduce(
        _ input: Tensor, into output: Tensor, over group: RankGroup
    ) throws(CommunicationError) {
        let count = input.shape.count
        precondition(
            input.shape == output.shape && (count == 0 || !input.isSameView(as: output)),
            "all-reduce: \(input.shape) into \(output.shape), which must be another tensor")
        try publish(Publication(input: input, output: output), group, "all-reduce")
        let isOneShot = world.isOneShot(bytes: count * input.dtype.bytes, among: group.size)
        let shares = isOneShot ? nil : Shares(of: output, among: group.size, isFlat: isFlat(group))
        sum(group, into: shares?[output, group.index] ?? output) { input in
            shares?[input, group.index] ?? input
        }
        if let shares {
            try meet(group, "all-reduce")
            forEachPeer(of: group) { place, peer in
                backend.copy(shares[peer.output, place], into: shares[output, place])
            }
        }
        try meet(group, "all-reduce")
        let own = shares?.count(group.index) ?? count
        counts.count(
            .allReduce, bytes: 4 * ((group.size - 1) * own + (shares == nil ? 0 : count - own)))
    }

    /// Adds the rank's own rows of all inputs.
    public func reduceScatter(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError) {
        check(rows, of: input, group, "reduce-scatter")
        try publish(Publication(input: input, output: output), group, "reduce-scatter")
        sum(group, into: output) { $0.rows(rows[group.index]) }
        try meet(group, "reduce-scatter")
        counts.count(.reduceScatter, bytes: 4 * (group.size - 1) * output.shape.count)
    }

    /// Copies each member's rows to its place.
    public func allGather(
        _ input: Tensor, into output: Tensor, rows: TokenPartition, over group: RankGroup
    ) throws(CommunicationError) {
        check(rows, of: output, group, "all-gather")
        try publish(Publication(input: input, output: output), group, "all-gather")
        copy(input, into: output.rows(rows[group.index]))
        forEachPeer(of: group) { place, peer in
            backend.copy(peer.input, into: output.rows(rows[place]))
        }
        try meet(group, "all-gather")
        counts.count(.allGather, bytes: 4 * (output.shape.count - input.shape.count))
    }

    /// Copies each member's tiles for this rank to their places.
    public func allToAll(
        _ input: Tensor, into output: Tensor, _ exchange: Exchange, over group: RankGroup
    ) throws(CommunicationError) {
        precondition(
            exchange.sends.count == group.size * exchange.tilesPerMember,
            "all-to-all: \(exchange.sends.count) tiles for \(group.size) members")
        let own = Publication(input: input, output: output, exchange: exchange)
        try publish(own, group, "all-to-all")
        _ = take(from: own, at: group.index, exchange, group, into: output)
        var elements = 0
        forEachPeer(of: group) { place, peer in
            elements += take(from: peer, at: place, exchange, group, into: output)
        }
        try meet(group, "all-to-all")
        counts.count(.allToAll, bytes: 4 * elements)
    }

    /// Copies the root's tensor.
    public func broadcast(
        _ tensor: Tensor, from root: Int, over group: RankGroup
    ) throws(CommunicationError) {
        precondition(
            group.members.indices.contains(root), "broadcast: root \(root) of \(group.size)")
        try publish(Publication(input: tensor, output: tensor), group, "broadcast")
        let isRoot = root == group.index
        if !isRoot { backend.copy(publication(of: group.members[root]).input, into: tensor) }
        try meet(group, "broadcast")
        counts.count(.broadcast, bytes: isRoot ? 0 : 4 * tensor.shape.count)
    }

    /// Meets once.
    public func barrier(over group: RankGroup) throws(CommunicationError) {
        try world.check()
        try meet(group, "barrier")
        counts.count(.barrier, bytes: 0)
    }

    /// Keeps the cause if it is the first, and ends all waits.
    public func abort(_ cause: String) { world.fail(.peerFailed(rank: rank, cause: cause)) }
}

extension LocalCommunicator {
    /// Lays operands open and waits until everybody has.
    private func publish(
        _ publication: Publication, _ group: RankGroup, _ operation: StaticString
    ) throws(CommunicationError) {
        try world.check()
        world.stations[Int(rank.rawValue)].publication = publication
        try meet(group, operation)
    }

    /// Returns when all members have come.
    private func meet(
        _ group: RankGroup, _ operation: StaticString
    ) throws(CommunicationError) {
        precondition(group.rank == rank, "\(operation): rank \(group.rank) called by \(rank)")
        // By place: an array's iterator allocates where nothing is optimized.
        for place in 0..<group.size where place != group.index {
            let peer = group.members[place]
            meetings[Int(peer.rawValue)] &+= 1
            world.post(.met, from: rank, to: peer)
        }
        for place in 0..<group.size where place != group.index {
            let peer = group.members[place]
            let count = meetings[Int(peer.rawValue)]
            try world.wait(.met, by: rank, for: peer, count: count, operation)
        }
    }

    private func publication(of peer: RankID) -> Publication {
        guard let publication = world.stations[Int(peer.rawValue)].publication else {
            preconditionFailure("rank \(peer) came without operands")
        }
        return publication
    }

    /// Visits the other members, the next one first, so that not all read from one at once.
    private func forEachPeer(
        of group: RankGroup, _ body: (_ place: Int, _ peer: Publication) -> Void
    ) {
        for step in 1..<max(1, group.size) {
            let place = (group.index + step) % group.size
            body(place, publication(of: group.members[place]))
        }
    }

    /// Adds a part of all inputs, in the group's order.
    private func sum(_ group: RankGroup, into output: Tensor, part: (Tensor) -> Tensor) {
        terms.removeAll(keepingCapacity: true)
        for place in 0..<group.size {
            terms.append(part(publication(of: group.members[place]).input))
        }
        backend.treeSum(terms, into: output)
    }

    /// Copies the tiles that a member sends to this rank, and returns their elements' number.
    private func take(
        from peer: Publication, at place: Int, _ exchange: Exchange, _ group: RankGroup,
        into output: Tensor
    ) -> Int {
        guard let theirs = peer.exchange else {
            preconditionFailure("rank \(group.members[place]) came without tiles")
        }
        let tiles = exchange.tilesPerMember
        precondition(
            theirs.tilesPerMember == tiles,
            "all-to-all: \(theirs.tilesPerMember) tiles for \(tiles)")
        var elements = 0
        for index in 0..<tiles {
            let source = theirs.sends[group.index * tiles + index]
            let target = exchange.receives[place * tiles + index]
            copy(
                peer.input.tile(rows: source.rows, columns: source.columns),
                into: output.tile(rows: target.rows, columns: target.columns))
            elements += target.count
        }
        return elements
    }

    /// Copies, unless there is nothing to do.
    private func copy(_ input: Tensor, into output: Tensor) {
        guard input.shape.count > 0 || output.shape.count > 0, !input.isSameView(as: output) else {
            return
        }
        backend.copy(input, into: output)
    }

    private func check(
        _ rows: TokenPartition, of tensor: Tensor, _ group: RankGroup, _ operation: StaticString
    ) {
        precondition(
            rows.slices == group.size && rows.count == tensor.shape[0],
            "\(operation): \(rows.slices) slices of \(rows.count) rows for \(group.size) members"
                + " and \(tensor.shape[0]) rows")
    }

    /// Whether all members' operands can be cut between any two elements. All members see the
    /// same operands, and so decide alike.
    private func isFlat(_ group: RankGroup) -> Bool {
        for place in 0..<group.size {
            let operands = publication(of: group.members[place])
            if !Shares.isFlat(operands.input) || !Shares.isFlat(operands.output) { return false }
        }
        return true
    }
}
