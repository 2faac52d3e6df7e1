// The keys and values of one layer in fixed blocks of tokens. Both lie in the panel layout of
// weights, so that attention is two products by panels: queries by keys (16 keys side by side),
// probabilities by values (16 dimensions side by side). In int8, each token's keys and values have a
// scale. Who owns which block is planning's business.

/// The paged key and value cache of one layer of one rank.
///
/// Layout: blocks, `blockStride` bytes apart, of `[head]{keys: [tile] panel [headDimension, 16 keys],
/// values: [tile][ceil(valueDimension / 16)] panel [16 keys, 16 dimensions]}`; a tile is 16 tokens.
/// In int8 a head goes on with `{keyScales: [blockSize], valueScales: [blockSize]}` in float32: an
/// element is its integer times its token's scale, which is a 127th of the largest magnitude of that
/// token's keys, or values, of the head. Integers are rounded to nearest, ties to even.
public struct KeyValueBlocks: Sendable {
    /// Tokens of one tile.
    public static let tileTokens = 16
    /// The memory; zero at the start.
    public let storage: Storage
    /// Where this layer's first block begins.
    public let byteOffset: Int
    /// From one block of this layer to the next, in bytes.
    public let blockStride: Int
    /// Type in which keys and values are stored.
    public let dtype: DType
    /// Number of blocks.
    public let blockCount: Int
    /// Tokens per block, a multiple of a tile.
    public let blockSize: Int
    /// Key and value heads of this rank.
    public let heads: Int
    /// Dimension of one head's keys; even.
    public let headDimension: Int
    /// Dimension of one head's values; most models have that of the keys.
    public let valueDimension: Int

    /// A view of one layer's blocks; without `blockStride`, one follows the other.
    public init(
        storage: Storage, byteOffset: Int, blockStride: Int? = nil, dtype: DType, blockCount: Int,
        blockSize: Int, heads: Int, headDimension: Int, valueDimension: Int? = nil
    ) {
        precondition(blockSize % Self.tileTokens == 0, "block size \(blockSize), not tiles of 16")
        precondition(headDimension % 2 == 0, "head dimension \(headDimension), not even")
        self.storage = storage
        self.byteOffset = byteOffset
        self.dtype = dtype
        self.blockCount = blockCount
        self.blockSize = blockSize
        self.heads = heads
        self.headDimension = headDimension
        self.valueDimension = valueDimension ?? headDimension
        let bytes = Self.blockBytes(
            blockSize: blockSize, heads: heads, headDimension: headDimension,
            valueDimension: self.valueDimension, dtype: dtype)
        self.blockStride = blockStride ?? bytes
        precondition(self.blockStride >= bytes, "blocks of \(bytes), every \(self.blockStride)")
        let end = byteOffset + max(0, blockCount - 1) * self.blockStride + bytes
        precondition(
            blockCount == 0 || end <= storage.bytes,
            "blocks: the last ends at byte \(end), expected at most \(storage.bytes)")
    }

    /// Memory of one block: all its heads, keys and values.
    public static func blockBytes(
        blockSize: Int, heads: Int, headDimension: Int, valueDimension: Int? = nil, dtype: DType
    ) -> Int {
        let width = PanelLayout.width
        let paddedValues = ((valueDimension ?? headDimension) + width - 1) / width * width
        let scaleBytes = dtype == .int8 ? 2 * MemoryLayout<Float>.size : 0
        return heads * blockSize * ((headDimension + paddedValues) * dtype.bytes + scaleBytes)
    }

    /// Memory of one block.
    public var blockBytes: Int {
        Self.blockBytes(
            blockSize: blockSize, heads: heads, headDimension: headDimension,
            valueDimension: valueDimension, dtype: dtype)
    }
    /// Memory of one head in one block: its keys, its values, and in int8 their scales.
    public var headBytes: Int { blockBytes / heads }
    /// Memory of the keys of one head in one block, after which its values follow.
    public var keyBytes: Int { blockSize * headDimension * dtype.bytes }
    /// Where the scales of one head begin in its part of a block.
    public var scaleOffset: Int {
        let width = PanelLayout.width
        let paddedValues = (valueDimension + width - 1) / width * width
        return keyBytes + blockSize * paddedValues * dtype.bytes
    }
}

/// The queries of one step: which rows belong to which sequence, and where its blocks are.
public struct AttentionBatch: Sendable {
    /// One row per sequence: first query row, number of query rows, position of the first query,
    /// where the sequence's blocks begin in `blocks`. Shape: `[sequences, 4]`, int32.
    public let spans: Tensor
    /// The block tables, one after the other. Shape: `[entries]`, int32.
    public let blocks: Tensor

    /// A batch of spans with their block tables.
    public init(spans: Tensor, blocks: Tensor) {
        self.spans = spans
        self.blocks = blocks
    }
}
