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
}

/// A weight matrix `[outputs, inputs]` in panels, or a view of a range of its outputs or inputs.
///
/// Layout: bfloat16 `[panel][ceil(inputs / 2)][16][2]`, other types `[panel][inputs][16]`.
public struct PackedWeight: Sendable {
    /// The memory of the whole weight.
    public let storage: Storage
    /// Type of the elements.
    public let dtype: DType
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
    /// the parts by the fixed binary tree. A weight that is never split along k has one part.
    public var inputParts: ArraySlice<Int> { boundaries[parts.lowerBound...parts.upperBound] }

    /// Zeroed memory for a weight.
    ///
    /// `inputParts` are the ends of the parts of the whole; boundaries are even, but for the last.
    public init(layout: PanelLayout, inputParts: [Int], dtype: DType) throws(StorageError) {
        precondition(inputParts.first == 0 && inputParts.dropLast().allSatisfy { $0 % 2 == 0 })
        let inputs = inputParts[inputParts.count - 1]
        let bytes = Self.bytes(layout: layout, inputs: inputs, dtype: dtype)
        self.init(
            storage: try Storage(zeroedBytes: bytes), dtype: dtype, layout: layout,
            storedInputs: inputs, panels: 0..<layout.panels, boundaries: inputParts,
            parts: 0..<inputParts.count - 1)
    }

    private init(
        storage: Storage, dtype: DType, layout: PanelLayout, storedInputs: Int,
        panels: Range<Int>, boundaries: [Int], parts: Range<Int>
    ) {
        self.storage = storage
        self.dtype = dtype
        self.layout = layout
        self.storedInputs = storedInputs
        self.panels = panels
        self.boundaries = boundaries
        self.parts = parts
    }

    /// Memory that a weight takes, padding included.
    public static func bytes(layout: PanelLayout, inputs: Int, dtype: DType) -> Int {
        layout.panels * panelBytes(inputs: inputs, dtype: dtype)
    }

    private static func panelBytes(inputs: Int, dtype: DType) -> Int {
        let stored = dtype == .bfloat16 ? (inputs + 1) / 2 * 2 : inputs
        return stored * PanelLayout.width * dtype.bytes
    }

    /// Distance from one panel to the next.
    public var panelBytes: Int { Self.panelBytes(inputs: storedInputs, dtype: dtype) }
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
            storage: storage, dtype: dtype, layout: layout, storedInputs: storedInputs,
            panels: range, boundaries: boundaries, parts: parts)
    }

    /// The view of a range of the parts of the inputs, counted in the whole.
    public func inputs(parts: Range<Int>) -> PackedWeight {
        PackedWeight(
            storage: storage, dtype: dtype, layout: layout, storedInputs: storedInputs,
            panels: panels, boundaries: boundaries, parts: parts)
    }

    /// Where one element of a panel lies, counted in elements from the panel's start.
    public static func elementOffset(lane: Int, input: Int, dtype: DType) -> Int {
        dtype == .bfloat16
            ? (input / 2 * PanelLayout.width + lane) * 2 + input % 2
            : input * PanelLayout.width + lane
    }
}

/// Rows of a row-major matrix to be packed into one block of a weight, or into its inputs in view.
public struct PackJob: Sendable {
    /// The memory the rows lie in.
    public let source: Storage
    /// Where the first row begins: its element for the first input in view.
    public let byteOffset: Int
    /// Elements from one row to the next.
    public let rowStride: Int
    /// Type of the source's elements; they are rounded to the weight's.
    public let dtype: DType
    /// The block that takes the rows; it has as many.
    public let block: Int

    /// Rows `[block's rows, weight's inputs]` from a byte on.
    public init(source: Storage, byteOffset: Int, rowStride: Int, dtype: DType, block: Int) {
        self.source = source
        self.byteOffset = byteOffset
        self.rowStride = rowStride
        self.dtype = dtype
        self.block = block
    }
}
