// The order in which the merges of one word are done: by rank, then from left to right (station 2
// of the walk). A heap of plain numbers; it knows neither tokens nor words.

/// A queue of merges, the earliest first.
///
/// Cost: adding and taking are logarithmic. Four children a node halve the levels of a binary
/// heap.
struct MergeQueue {
    private var heap: [UInt64] = []

    /// Adds the merge of a rank at a position.
    mutating func insert(rank: UInt32, position: Int) {
        let entry = UInt64(rank) << 32 | UInt64(UInt32(position))
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 4
            let above = heap[parent]
            if above <= entry { break }
            heap[index] = above
            index = parent
        }
        heap[index] = entry
    }

    /// Takes out the earliest merge.
    mutating func removeFirst() -> (rank: UInt32, position: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(last) }
        return (UInt32(first >> 32), Int(UInt32(truncatingIfNeeded: first)))
    }

    /// Puts an entry in the place of the first and restores the order.
    private mutating func sink(_ entry: UInt64) {
        let count = heap.count
        var index = 0
        while true {
            var child = 4 * index + 1
            if child >= count { break }
            var least = heap[child]
            var leastChild = child
            let end = min(child + 4, count)
            child += 1
            while child < end {
                let candidate = heap[child]
                if candidate < least { (least, leastChild) = (candidate, child) }
                child += 1
            }
            if entry <= least { break }
            heap[index] = least
            index = leastChild
        }
        heap[index] = entry
    }
}
