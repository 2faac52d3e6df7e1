// What the ranks of a replica send back for a plan: the result, and what their collectives have moved
// by then, which only they can count.

import Synchronization
import TernParallel
import TernPlanning

/// A result on its way to the server.
struct RankAnswer: FrameField {
    let result: StepResult
    /// Bytes that the replica's ranks received since their start, in the order of `Collective`.
    let receivedBytes: [Int]

    init(_ result: StepResult, receivedBytes: [Int]) {
        self.result = result
        self.receivedBytes = receivedBytes
    }

    func write(to writer: inout FrameWriter) {
        writer.write(result)
        for count in receivedBytes { writer.write(count) }
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        result = try reader.value()
        var counts: [Int] = []
        for _ in Collective.allCases {
            let count: Int = try reader.value()
            guard count >= 0 else { throw FrameError("frame: \(count) bytes received") }
            counts.append(count)
        }
        receivedBytes = counts
    }
}

/// What ranks moved over all their lives.
final class CommunicationTally: Sendable {
    private let bytes = Mutex(Array(repeating: 0, count: Collective.allCases.count))

    /// By collective.
    var named: [String: Int] { CollectiveCounts.named(bytes.withLock { $0 }) }

    /// Adds what came since an earlier count of the same life.
    func add(_ counts: [Int], since earlier: [Int]) {
        bytes.withLock { bytes in
            for index in bytes.indices { bytes[index] &+= max(0, counts[index] - earlier[index]) }
        }
    }
}

extension CollectiveCounts {
    /// Bytes received, in the order of `Collective`.
    var receivedBytes: [Int] { Collective.allCases.map(bytes) }

    /// Bytes in that order by their collectives' names.
    static func named(_ bytes: [Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: zip(Collective.allCases.map(\.name), bytes))
    }
}

extension [[Int]] {
    /// The sums of all first elements, of all second ones, and so on, of `Collective`s.
    var summed: [Int] {
        reduce(into: Array<Int>(repeating: 0, count: Collective.allCases.count)) { sums, counts in
            for index in sums.indices { sums[index] += counts[index] }
        }
    }
}
