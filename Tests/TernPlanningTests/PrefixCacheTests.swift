import TernPlanning
import Testing

@Suite("PrefixCache")
struct PrefixCacheTests {
    private let root = PrefixCache.Prefix.root(salt: nil)

    @Test("Finds a block by its tokens and all tokens before them")
    func lookup() throws {
        var cache = PrefixCache(capacity: 4)
        let first = cache.insert(0, holding: [1, 2], after: root)
        _ = cache.insert(1, holding: [3, 4], after: first)
        #expect(cache.find([1, 2], after: root)?.block == 0)
        #expect(cache.find([3, 4], after: first)?.block == 1)
        #expect(cache.find([3, 4], after: root) == nil)
        #expect(cache.find([2, 1], after: root) == nil)
        #expect(cache.count == 2)
        try cache.checkIntegrity()
    }

    @Test("The first of two equal blocks stays, and both lead to the same prefix")
    func duplicates() throws {
        var cache = PrefixCache(capacity: 4)
        let first = cache.insert(0, holding: [1, 2], after: root)
        let second = cache.insert(1, holding: [1, 2], after: root)
        #expect(first == second)
        #expect(cache.contains(0) && !cache.contains(1))
        try cache.checkIntegrity()
    }

    @Test("A recycled block never stands for its old content, nor leads to its old children")
    func recycling() throws {
        var cache = PrefixCache(capacity: 4)
        let old = cache.insert(0, holding: [1, 2], after: root)
        _ = cache.insert(1, holding: [3, 4], after: old)
        cache.remove(0)
        #expect(cache.find([1, 2], after: root) == nil)
        let new = cache.insert(0, holding: [1, 2], after: root)
        #expect(new != old)
        #expect(cache.find([3, 4], after: new) == nil)
        try cache.checkIntegrity()
    }

    @Test("Salts separate tenants by bytes: composed and decomposed letters differ")
    func salts() {
        var cache = PrefixCache(capacity: 4)
        let salts = [nil, "", "\u{e9}", "e\u{301}"].map { (salt: String?) in
            PrefixCache.Prefix.root(salt: salt.map { Array($0.utf8) })
        }
        for (block, salt) in salts.enumerated() {
            #expect(cache.find([1], after: salt) == nil)
            _ = cache.insert(BlockID(block), holding: [1], after: salt)
        }
        #expect(salts.map { cache.find([1], after: $0)?.block } == [0, 1, 2, 3])
    }
}
