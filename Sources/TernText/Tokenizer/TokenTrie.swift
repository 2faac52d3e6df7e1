// Finds the longest of many texts at a place (station 2 of the walk). It is asked at each place of
// a text, so a table of first bytes answers most of the time. It knows nothing of flags.

/// A tree of byte strings, each with the number under which it was inserted.
struct TokenTrie: Sendable {
    private struct Node {
        var edges: [(byte: UInt8, node: Int)] = []
        var number: Int?
    }

    private var nodes = [Node()]
    private var isFirstByte = [Bool](repeating: false, count: 256)

    /// Whether nothing was inserted.
    var isEmpty: Bool { nodes.count == 1 }

    /// Adds a byte string that is not empty; of equal ones the first counts.
    mutating func insert(_ bytes: [UInt8], number: Int) {
        guard let first = bytes.first else { return }
        isFirstByte[Int(first)] = true
        var node = 0
        for byte in bytes {
            if let next = child(of: node, byte) {
                node = next
            } else {
                nodes[node].edges.append((byte, nodes.count))
                node = nodes.count
                nodes.append(Node())
            }
        }
        if nodes[node].number == nil { nodes[node].number = number }
    }

    /// The first place from a start on where some byte string may begin.
    func candidate(in text: borrowing [UInt8], from start: Int) -> Int? {
        if isEmpty { return nil }
        for index in start..<text.count where isFirstByte[Int(text[index])] { return index }
        return nil
    }

    /// The longest byte string at a place for which a condition on its number and end holds.
    func longest(
        in text: borrowing [UInt8], at start: Int, where isAllowed: (Int, Int) -> Bool
    ) -> (number: Int, end: Int)? {
        var longest: (number: Int, end: Int)?
        var node = 0
        var index = start
        while index < text.count, let next = child(of: node, text[index]) {
            node = next
            index += 1
            if let number = nodes[node].number, isAllowed(number, index) {
                longest = (number, index)
            }
        }
        return longest
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        nodes[node].edges.first { $0.byte == byte }?.node
    }
}
