// Where tests find what is committed beside them.

import Glibc
import TernJSON

/// Files of the repository.
public enum Fixture {
    /// The repository's root.
    public static let root = String(#filePath.dropLast("/Tests/TernTesting/Fixture.swift".count))
    /// The bundled model.
    public static let telemachus = root + "/Models/telemachus"
    /// The bundled model with experts.
    public static let argus = root + "/Models/argus"
    /// Tiny random checkpoints of every family, with what transformers answers.
    public static let families = root + "/Tests/Golden/families"

    /// A file that is not there.
    public struct Missing: Error {
        /// Where it was looked for.
        public let path: String
    }

    /// The bytes of a file.
    public static func bytes(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Missing(path: path) }
        defer { fclose(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }

    /// A parsed golden file, named from Tests/Golden on.
    public static func golden(_ name: String) throws -> JSON {
        try JSON(parsing: bytes(root + "/Tests/Golden/" + name))
    }
}

/// A folder of its own that is removed with its files when the test lets go of it.
public final class TemporaryFolder {
    /// Its path.
    public let path: String

    /// Makes a new folder.
    public init() throws {
        var template = Array("/tmp/tern-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Fixture.Missing(path: "/tmp") }
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        for name in Self.names(in: path) { unlink(path + "/" + name) }
        rmdir(path)
    }

    /// Writes a file.
    public func write(_ name: String, _ content: some Sequence<UInt8>) throws {
        guard let file = fopen(path + "/" + name, "wb") else {
            throw Fixture.Missing(path: path + "/" + name)
        }
        defer { fclose(file) }
        let bytes = Array(content)
        fwrite(bytes, 1, bytes.count, file)
    }

    /// Names of the files of a folder, sorted.
    public static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
