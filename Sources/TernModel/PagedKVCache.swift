// The keys and values of one rank: its stage's layers, its head block's heads, in blocks. Planning
// says which block belongs to whom; this is only where they lie. Both modes read and write the same
// heads here, which is why a switch of mode moves nothing.

import TernTensor

/// One rank's cache: per layer the same blocks. Layout: `[block][layer]`, then as `KeyValueBlocks` has it.
public struct PagedKVCache: Sendable {
    private let layers: [KeyValueBlocks]
    /// Number of blocks.
    public let blockCount: Int
    /// Tokens per block.
    public let blockSize: Int

    /// Reserves the memory; it becomes resident block by block, when first written.
    public init(
        _ model: ModelConfiguration, layout: RankLayout, blockCount: Int, blockSize: Int,
        dtype: DType
    ) throws(StorageError) {
        let widths = model.headWidths
        let layerBytes = Self.layerBytes(model, layout: layout, blockSize: blockSize, dtype: dtype)
        let stride = Self.blockBytes(model, layout: layout, blockSize: blockSize, dtype: dtype)
        let storage = try Storage(zeroedBytes: blockCount * stride)
        layers = layout.layers.indices.map { layer in
            KeyValueBlocks(
                storage: storage, byteOffset: (layer - layout.layers.lowerBound) * layerBytes,
                blockStride: stride, dtype: dtype, blockCount: blockCount, blockSize: blockSize,
                heads: layout.ownKeyValueHeads.count, headDimension: widths.keys.count,
                valueDimension: widths.values.count)
        }
        self.blockCount = blockCount
        self.blockSize = blockSize
    }

    /// Memory of one block in all layers of a rank.
    ///
    /// A block is one run of memory: one that is in use fills its pages, where layers apart would each
    /// begin pages of their own. Runs whose lengths are multiples of 64 KiB would share the
    /// same few lines of a processor's caches, so those are kept a page apart.
    public static func blockBytes(
        _ model: ModelConfiguration, layout: RankLayout, blockSize: Int, dtype: DType
    ) -> Int {
        let bytes =
            layout.layers.count
            * layerBytes(model, layout: layout, blockSize: blockSize, dtype: dtype)
        return bytes.isMultiple(of: crowdedStride) ? bytes + 4096 : bytes
    }

    /// What a way of a processor's second cache holds, or half of it.
    private static let crowdedStride = 64 << 10

    /// Memory of one block in one layer.
    private static func layerBytes(
        _ model: ModelConfiguration, layout: RankLayout, blockSize: Int, dtype: DType
    ) -> Int {
        let widths = model.headWidths
        return KeyValueBlocks.blockBytes(
            blockSize: blockSize, heads: layout.ownKeyValueHeads.count,
            headDimension: widths.keys.count, valueDimension: widths.values.count, dtype: dtype)
    }

    /// A layer, counted in the rank's stage.
    subscript(layer: Int) -> KeyValueBlocks { layers[layer] }
}
