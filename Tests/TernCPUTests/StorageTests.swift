import Glibc
import TernTensor
import Testing

@Suite("Storage")
struct StorageTests {
    @Test("Pages of a file that were let go come back with the same bytes")
    func file() throws {
        var path = Array("/tmp/tern-storage-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        let name = String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unlink(name) }
        let content = (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        #expect(write(file, content, content.count) == content.count)
        close(file)
        let storage = try Storage(mapping: name)
        for range in [0..<0, 0..<100_003, 5000..<70_001, 100_002..<100_003] {
            storage.letGo(of: range)
            #expect(memcmp(storage.base, content, content.count) == 0, "\(range)")
        }
    }

    @Test("Memory that is no file's keeps what was written")
    func anonymous() throws {
        let storage = try Storage(zeroedBytes: 1 << 20)
        memset(storage.base, 7, storage.bytes)
        storage.letGo(of: 0..<storage.bytes)
        #expect(storage.base.load(fromByteOffset: 12345, as: UInt8.self) == 7)
    }
}
