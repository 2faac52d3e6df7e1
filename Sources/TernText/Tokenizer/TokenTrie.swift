// Finds which of many byte strings begin at a place (station 2 of the walk): added tokens, and the
// pieces of a Unigram model. It is asked at each place of a text, so a table of first bytes answers
// most of the time. It knows nothing of flags and scores.

/// A tree of byte strings, each with the number under which it was given.
///
/// The nodes lie level by level, the children of a node side by side in the order of their bytes:
/// nine bytes a node, and a search that stays within a line of memory or two.
struct TokenTrie: Sendable {
    private static let none: Int32 = -1

    /// The byte that leads to each node; the root's means nothing.
    private var labels: [UInt8] = [0]
    /// Where the children of each node start; they end where those of the next node start.
    private var children: [Int32] = []
    private var numbers: [Int32] = [none]
    private var firstNodes = [Int32](repeating: none, count: 256)

    /// Makes a tree; of equal byte strings the first counts, and empty ones are left out.
    init(_ entries: [(bytes: [UInt8], number: Int32)] = []) {
        let filled = entries.filter { !$0.bytes.isEmpty }
        let order = filled.indices.sorted {
            let (left, right) = (filled[$0].bytes, filled[$1].bytes)
            if left.lexicographicallyPrecedes(right) { return true }
            return $0 < $1 && !right.lexicographicallyPrecedes(left)
        }
        build(order.map { filled[$0] })
        for node in children[0]..<children[1] { firstNodes[Int(labels[Int(node)])] = node }
    }

    /// Whether no byte string was given.
    var isEmpty: Bool { labels.count == 1 }

    /// Lays the nodes out: each stands for the entries of a range that agree in their first bytes.
    private mutating func build(_ entries: [(bytes: [UInt8], number: Int32)]) {
        var ranges = [entries.indices]
        var node = 0
        var depth = 0
        var levelEnd = 1
        while node < ranges.count {
            if node == levelEnd { (depth, levelEnd) = (depth + 1, ranges.count) }
            children.append(Int32(ranges.count))
            var (start, end) = (ranges[node].lowerBound, ranges[node].upperBound)
            while start < end, entries[start].bytes.count == depth {
                if numbers[node] == Self.none { numbers[node] = entries[start].number }
                start += 1
            }
            while start < end {
                let label = entries[start].bytes[depth]
                let first = start
                while start < end, entries[start].bytes[depth] == label { start += 1 }
                ranges.append(first..<start)
                labels.append(label)
                numbers.append(Self.none)
            }
            end = start
            node += 1
        }
        children.append(Int32(ranges.count))
    }

    /// The first place from a start on where some byte string may begin.
    func candidate(in text: borrowing [UInt8], from start: Int) -> Int? {
        if isEmpty { return nil }
        for index in start..<text.count where firstNodes[Int(text[index])] != Self.none {
            return index
        }
        return nil
    }

    /// The longest byte string at a place for which a condition on its number and end holds.
    func longest(
        in text: borrowing [UInt8], at start: Int, where isAllowed: (Int, Int) -> Bool
    ) -> (number: Int, end: Int)? {
        var longest: (number: Int, end: Int)?
        forEachMatch(in: text, at: start, before: text.count) { number, end in
            if isAllowed(Int(number), end) { longest = (Int(number), end) }
        }
        return longest
    }

    /// Calls a function with the number and the end of each byte string at a place, the shortest
    /// first.
    @inline(__always)
    func forEachMatch(
        in text: borrowing [UInt8], at start: Int, before limit: Int, _ body: (Int32, Int) -> Void
    ) {
        guard start < limit else { return }
        var node = firstNodes[Int(text[start])]
        var end = start + 1
        while node != Self.none {
            let number = numbers[Int(node)]
            if number != Self.none { body(number, end) }
            if end == limit { break }
            node = child(of: Int(node), text[end])
            end += 1
        }
    }

    private func child(of node: Int, _ byte: UInt8) -> Int32 {
        var low = Int(children[node])
        let end = Int(children[node + 1])
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < byte { low = middle + 1 } else { high = middle }
        }
        return low < end && labels[low] == byte ? Int32(low) : Self.none
    }
}
