// The one layout of weight matrices on the CPU: panels of 16 output rows, k running inside a panel.
// A slice of outputs is a range of panels, a slice of inputs a range of k inside each panel; both
// are views. This is where the sums of a product get their order: see `inputParts`.

/// How the output rows of a weight lie in panels of 16.
///
/// Rows come in blocks (a head, a part of the vocabulary, 16 rows of an MLP); a block starts a new
/// panel, so that a range of blocks is a range of panels. The last panel of a block may be narrow.
public struct PanelLayout: Sendable, Equatable {
    /// Output rows of a full panel.
    public static let width = 16
    /// First output row of each panel, and the number of rows at the end.
    public let panelStarts: [Int32]
    /// First panel of each block, and the number of panels at the end.
    public let blockPanels: [Int]

    /// Lays out blocks of rows, one after the other; a block may be empty.
    public init(blocks: [Int]) {
        var starts: [Int32] = []
        var panels: [Int] = []
        var row = 0
        for rows in blocks {
            panels.append(starts.count)
            starts += stride(from: row, to: row + rows, by: Self.width).map(Int32.init)
            row += rows
        }
        panels.append(starts.count)
        starts.append(Int32(row))
        panelStarts = starts
        blockPanels = panels
    }

    /// Number of panels.
    public var panels: Int { panelStarts.count - 1 }
    /// Number of output rows.
    public var rows: Int { Int(panelStarts[panels]) }
    /// Output rows of one panel.
    public func rows(ofPanel panel: Int) -> Range<Int> {
        Int(panelStarts[panel])..<Int(panelStarts[panel + 1])
    }
    /// Panels of one block.
    public func panels(ofBlock block: Int) -> Range<Int> {
        blockPanels[block]..<blockPanels[block + 1]
    }
    /// Output rows of one block.
    public func rows(ofBlock block: Int) -> Range<Int> {
        let panels = panels(ofBlock: block)
        return Int(panelStarts[panels.lowerBound])..<Int(panelStarts[panels.upperBound])
    }
    /// Output rows of a block that come before those of one of its panels.
    public func rows(ofBlock block: Int, beforePanel panel: Int) -> Int {
        rows(ofPanel: panel).lowerBound - rows(ofBlock: block).lowerBound
    }
}

/// A weight matrix `[outputs, inputs]` in panels, or a view of a range of its outputs or inputs.
///
/// Layout: panel after panel, each as `WeightFormat` has it.
public struct PackedWeight: Sendable {
    /// The memory of the whole weight.
    public let storage: Storage
    /// How the elements are held.
    public let format: WeightFormat
    /// How the outputs of the whole weight lie.
    public let layout: PanelLayout
    /// The inputs of the whole weight, which set the distance between panels.
    public let storedInputs: Int
    /// The panels in view.
    public let panels: Range<Int>
    /// Where the parts of the inputs of the whole begin, and where the last one ends.
    private let boundaries: [Int]
    /// The parts in view.
    private let parts: Range<Int>
    /// Where the parts of the inputs in view begin, and where the last one ends.
    ///
    /// A product sums k in ascending order within a part, one fused multiply-add per k, and adds
    /// the parts by the fixed binary tree. A weight that is never split along k has one part. Of
    /// quantized weights a part is summed by segments, see `segments(ofPart:)`.
    public var inputParts: ArraySlice<Int> { boundaries[parts.lowerBound...parts.upperBound] }

    /// Zeroed memory for a weight.
    ///
    /// `inputParts` are the ends of the parts of the whole; boundaries are even, and as the format
    /// admits them, but for the last.
    public init(
        layout: PanelLayout, inputParts: [Int], format: WeightFormat
    ) throws(StorageError) {
        precondition(inputParts.first == 0 && inputParts.dropLast().allSatisfy { $0 % 2 == 0 })
        precondition(format.admits(inputParts: inputParts), "\(format) cut at \(inputParts)")
        switch format {
        case .plain(let dtype):
            precondition(dtype.isFloatingPoint, "a weight of real numbers in \(dtype)")
        case .int8: break
        case .int4(let group): precondition(group > 0 && group % 8 == 0, "groups of \(group)")
        }
        let inputs = inputParts[inputParts.count - 1]
        let bytes = Self.bytes(layout: layout, inputs: inputs, format: format)
        self.init(
            storage: try Storage(zeroedBytes: bytes), format: format, layout: layout,
            storedInputs: inputs, panels: 0..<layout.panels, boundaries: inputParts,
            parts: 0..<inputParts.count - 1)
    }

    /// Zeroed memory for a weight of real numbers.
    public init(layout: PanelLayout, inputParts: [Int], dtype: DType) throws(StorageError) {
        try self.init(layout: layout, inputParts: inputParts, format: .plain(dtype))
    }

    private init(
        storage: Storage, format: WeightFormat, layout: PanelLayout, storedInputs: Int,
        panels: Range<Int>, boundaries: [Int], parts: Range<Int>
    ) {
        self.storage = storage
        self.format = format
        self.layout = layout
        self.storedInputs = storedInputs
        self.panels = panels
        self.boundaries = boundaries
        self.parts = parts
    }

    /// Memory that a weight takes, padding included.
    public static func bytes(layout: PanelLayout, inputs: Int, format: WeightFormat) -> Int {
        layout.panels * format.panelBytes(inputs: inputs)
    }

    /// Distance from one panel to the next.
    public var panelBytes: Int { format.panelBytes(inputs: storedInputs) }
    /// The output rows in view, counted in the whole.
    public var outputRows: Range<Int> {
        Int(layout.panelStarts[panels.lowerBound])..<Int(layout.panelStarts[panels.upperBound])
    }
    /// Number of outputs in view.
    public var outputs: Int { outputRows.count }
    /// The inputs in view, counted in the whole.
    public var inputRange: Range<Int> {
        boundaries[parts.lowerBound]..<boundaries[parts.upperBound]
    }
    /// Number of inputs in view.
    public var inputs: Int { inputRange.count }

    /// The view of a range of the blocks that the layout was made of.
    public func outputs(blocks: Range<Int>) -> PackedWeight {
        let range = layout.blockPanels[blocks.lowerBound]..<layout.blockPanels[blocks.upperBound]
        return PackedWeight(
            storage: storage, format: format, layout: layout, storedInputs: storedInputs,
            panels: range, boundaries: boundaries, parts: parts)
    }

    /// The view of a range of the parts of the inputs, counted in the whole.
    public func inputs(parts: Range<Int>) -> PackedWeight {
        PackedWeight(
            storage: storage, format: format, layout: layout, storedInputs: storedInputs,
            panels: panels, boundaries: boundaries, parts: parts)
    }

    /// Where one element of a panel of real numbers lies, counted in elements from its start.
    public static func elementOffset(lane: Int, input: Int, dtype: DType) -> Int {
        dtype == .bfloat16
            ? (input / 2 * PanelLayout.width + lane) * 2 + input % 2
            : input * PanelLayout.width + lane
    }

    /// Inputs that share a scale; all of the whole where there is no other.
    public var groupInputs: Int { format.groupInputs(of: storedInputs) }

    /// Segments of all parts in view; see `segments(ofPart:)`.
    public var segmentCount: Int {
        let group = groupInputs
        return zip(inputParts, inputParts.dropFirst()).reduce(0) { count, part in
            part.0 < part.1 ? count + (part.1 - 1) / group - part.0 / group + 1 : count
        }
    }

    /// What a part of the inputs and the groups that share a scale have in common, in order: of
    /// each segment the inputs are quantized with a scale of their own, and its sum is whole.
    public func segments(ofPart part: Range<Int>) -> [Range<Int>] {
        let group = groupInputs
        var segments: [Range<Int>] = []
        var first = part.lowerBound
        while first < part.upperBound {
            let end = min(part.upperBound, (first / group + 1) * group)
            segments.append(first..<end)
            first = end
        }
        return segments
    }
}
