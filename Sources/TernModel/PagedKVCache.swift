// The keys and values of all layers of one rank, in blocks. Planning says which block belongs to
// whom; this is only where they lie.

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
        _ model: ModelConfiguration, blockCount: Int, blockSize: Int, dtype: DType
    ) throws(StorageError) {
        let layerBytes =
            blockCount
            * KeyValueBlocks.blockBytes(
                blockSize: blockSize, heads: model.keyValueHeads,
                headDimension: model.headDimension, dtype: dtype)
        let storage = try Storage(zeroedBytes: layerBytes * model.layers)
        layers = (0..<model.layers).map { layer in
            KeyValueBlocks(
                storage: storage, byteOffset: layer * layerBytes, dtype: dtype,
                blockCount: blockCount, blockSize: blockSize, heads: model.keyValueHeads,
                headDimension: model.headDimension)
        }
        self.blockCount = blockCount
        self.blockSize = blockSize
    }

    /// Memory of one block in all layers.
    public static func blockBytes(_ model: ModelConfiguration, blockSize: Int, dtype: DType) -> Int
    {
        model.layers
            * KeyValueBlocks.blockBytes(
                blockSize: blockSize, heads: model.keyValueHeads,
                headDimension: model.headDimension, dtype: dtype)
    }

    subscript(layer: Int) -> KeyValueBlocks { layers[layer] }
}
