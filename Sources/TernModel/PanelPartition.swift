// How this module cuts dimensions whose rows lie in panels: at multiples of 16, one way for weights,
// buffers and what is exchanged of them.

import TernPlanning
import TernTensor

extension Partition {
    /// A dimension of outputs, cut between panels.
    init(panelsOf count: Int, parts: Int) {
        self.init(count: count, unit: PanelLayout.width, parts: parts)
    }

    /// The rows of each panel-wide block of the dimension; the last one may be narrower.
    var panelBlocks: [Int] {
        stride(from: 0, to: count, by: PanelLayout.width).map { min(PanelLayout.width, count - $0) }
    }
}

extension ShardRanges {
    /// Which of `panelBlocks` each part of a dimension has.
    init(panelBlocksOf partition: Partition) {
        let starts = partition.boundaries.map {
            ($0 + PanelLayout.width - 1) / PanelLayout.width
        }
        self.init(zip(starts, starts.dropFirst()).map { $0..<$1 })
    }

    /// The same where each range holds so many entries for every one.
    func scaled(by turns: Int) -> ShardRanges {
        ShardRanges(ranges.map { $0.lowerBound * turns..<$0.upperBound * turns })
    }
}
