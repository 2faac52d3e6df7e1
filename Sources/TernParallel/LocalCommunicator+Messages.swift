// Messages between two rank threads, as stages hand their rows on: the sender copies into the
// pair's outbox and goes on; the receiver copies out. One message may be under way.

import TernPlanning
import TernTensor

extension LocalCommunicator {
    /// Copies rows into the outbox, once the message before was taken.
    public func send(
        _ tensor: Tensor, to place: Int, over group: RankGroup
    ) throws(CommunicationError) {
        let peer = peer(at: place, of: group)
        let number = sent[Int(peer.rawValue)]
        try world.check()
        try world.wait(.taken, by: rank, for: peer, count: number, "the receipt of a message")
        let message: Tensor
        do {
            message = try world.outbox(from: rank, to: peer).prepare(tensor.shape, tensor.dtype)
        } catch {
            abort("send: \(error)")
            throw .peerFailed(rank: rank, cause: "send: \(error)")
        }
        backend.copy(tensor, into: message)
        sent[Int(peer.rawValue)] = number &+ 1
        world.post(.sent, from: rank, to: peer)
        counts.count(.sendReceive, bytes: 0)
    }

    /// Copies the next message out of the outbox.
    public func receive(
        into tensor: Tensor, from place: Int, over group: RankGroup
    ) throws(CommunicationError) {
        let peer = peer(at: place, of: group)
        let number = received[Int(peer.rawValue)] &+ 1
        try world.check()
        try world.wait(.sent, by: rank, for: peer, count: number, "the sending of a message")
        guard let message = world.outbox(from: peer, to: rank).message else {
            preconditionFailure("receive: rank \(peer) posted no message")
        }
        backend.copy(message, into: tensor)
        received[Int(peer.rawValue)] = number
        world.post(.taken, from: rank, to: peer)
        counts.count(.sendReceive, bytes: 4 * tensor.shape.count)
    }

    private func peer(at place: Int, of group: RankGroup) -> RankID {
        precondition(
            group.rank == rank && group.members.indices.contains(place) && place != group.index,
            "message between places \(group.index) and \(place) of \(group.size)")
        return group.members[place]
    }
}
