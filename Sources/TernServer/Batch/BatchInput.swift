// The requests of a batch on disk. They are read twice: once for their names, so that a batch that
// could not be told apart is refused before a model is loaded, and once to be served.

import Glibc

/// A file of named requests.
final class BatchInput {
    /// The lines of all names.
    let lines: [[UInt8]: Int]

    private let descriptor: Int32
    private let path: String
    private var reader: LineReader

    /// Opens a file and reads its names.
    ///
    /// Throws: `BatchError` with file and line, where a line has no name or that of another.
    init(path: String) throws(BatchError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw BatchError(errno: errno, "open \(path)") }
        reader = Self.reader(descriptor, path)
        do throws(BatchError) {
            try descriptor.requireRegularFile(path)
            lines = try Self.names(Self.reader(descriptor, path), path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// The next request; nil at the end.
    func next() throws(BatchError) -> BatchRequest? {
        while let line = try reader.next() {
            if !line.isBlank { return try Self.request(line, path) }
        }
        return nil
    }

    private static func reader(_ descriptor: Int32, _ path: String) -> LineReader {
        LineReader(descriptor, path: path, limitBytes: HTTPLimits().bodyBytes)
    }

    private static func names(
        _ reader: LineReader, _ path: String
    ) throws(BatchError) -> [[UInt8]: Int] {
        var reader = reader
        var lines: [[UInt8]: Int] = [:]
        while let line = try reader.next() {
            guard !line.isBlank else { continue }
            let name = try request(line, path).name
            if let other = lines.updateValue(line.number, forKey: name) {
                throw BatchError(
                    "\(path):\(line.number): found custom_id "
                        + "\"\(String(decoding: name, as: UTF8.self))\" of line \(other) again; "
                        + "expected a custom_id of its own for every line")
            }
        }
        return lines
    }

    private static func request(
        _ line: LineReader.Line, _ path: String
    ) throws(BatchError) -> BatchRequest {
        do throws(BatchError) {
            return try BatchRequest(line.bytes)
        } catch {
            throw BatchError("\(path):\(line.number): \(error)")
        }
    }
}

extension Int32 {
    /// Checks that a descriptor is of a file that can be read twice.
    func requireRegularFile(_ path: String) throws(BatchError) {
        var status = stat()
        guard fstat(self, &status) == 0 else { throw BatchError(errno: errno, "look at \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw BatchError("open \(path): it is not a regular file, which a batch needs")
        }
    }
}
