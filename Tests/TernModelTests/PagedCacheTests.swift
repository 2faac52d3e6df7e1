import TernPlanning
import TernTensor
import Testing

@testable import TernModel

@Suite("Where the paged cache lies")
struct PagedCacheTests {
    @Test("A block of all layers is one run; no two blocks or layers share a byte of it")
    func runs() throws {
        // Runs of 64 KiB, which would crowd, are a page apart; others follow each other.
        for (layers, padding) in [(2, 0), (5, 0), (64, 4096)] {
            let model = try TinyModel(queryHeads: 3, keyValueHeads: 1, layers: layers).configuration
            let layout = try RankLayout(0, in: Topology(), model)
            let cache = try PagedKVCache(
                model, layout: layout, blockCount: 3, blockSize: 16, dtype: .bfloat16)
            let layerBytes = 16 * 2 * 16 * 2
            let run = PagedKVCache.blockBytes(
                model, layout: layout, blockSize: 16, dtype: .bfloat16)
            #expect(run == layers * layerBytes + padding, "\(layers) layers")
            #expect(cache[0].storage.bytes == 3 * run)
            for layer in 0..<layers {
                #expect(cache[layer].byteOffset == layer * layerBytes)
                #expect(cache[layer].blockStride == run && cache[layer].blockBytes == layerBytes)
            }
        }
    }
}
