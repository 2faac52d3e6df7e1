// Reads the fixtures in Tests/Golden, from where the sources are.

import Glibc
import TernJSON
import Testing

/// The fixtures beside the tests.
enum GoldenFile {
    /// A fixture as JSON.
    static func json(_ name: String) throws -> JSON {
        try JSON(parsing: bytes(folder + "/" + name))
    }

    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        .joined(separator: "/") + "/Golden"

    private static func bytes(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "rb"), "cannot open \(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes
    }
}
