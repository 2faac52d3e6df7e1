// The keys and values of one rank: its stage's layers, its head block's heads, in blocks. Planning
// says which block belongs to whom; this is only where they lie. Both modes read and write the same
// heads here, which is why a switch of mode moves nothing.

import TernTensor

/// One rank's cache: per layer the same blocks.
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
        let heads = layout.ownKeyValueHeads.count
        let widths = model.headWidths
        let layerBytes =
            blockCount
            * KeyValueBlocks.blockBytes(
                blockSize: blockSize, heads: heads, headDimension: widths.keys.count,
                valueDimension: widths.values.count, dtype: dtype)
        let storage = try Storage(zeroedBytes: layerBytes * layout.layers.count)
        layers = layout.layers.indices.map { layer in
            KeyValueBlocks(
                storage: storage, byteOffset: (layer - layout.layers.lowerBound) * layerBytes,
                dtype: dtype, blockCount: blockCount, blockSize: blockSize, heads: heads,
                headDimension: widths.keys.count, valueDimension: widths.values.count)
        }
        self.blockCount = blockCount
        self.blockSize = blockSize
    }

    /// Memory of one block in all layers of a rank.
    public static func blockBytes(
        _ model: ModelConfiguration, layout: RankLayout, blockSize: Int, dtype: DType
    ) -> Int {
        let widths = model.headWidths
        return layout.layers.count
            * KeyValueBlocks.blockBytes(
                blockSize: blockSize, heads: layout.ownKeyValueHeads.count,
                headDimension: widths.keys.count, valueDimension: widths.values.count,
                dtype: dtype)
    }

    /// A layer, counted in the rank's stage.
    subscript(layer: Int) -> KeyValueBlocks { layers[layer] }
}
