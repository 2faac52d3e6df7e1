// Small files of a model folder, read whole: configurations, tokenizers, templates. Weights are mapped
// instead. A folder may come from anyone: what is no regular file is refused, not waited for.

import Glibc

/// The bytes of a small regular file.
public enum FileContent {
    /// Files larger than this are not read whole.
    public static let limitBytes = 256 << 20

    /// Why a file could not be read, in words.
    public struct Failure: Error, CustomStringConvertible {
        /// What went wrong, without the path.
        public let reason: String
        /// Whether there is no such file.
        public let isMissing: Bool
        /// The reason.
        public var description: String { reason }
    }

    /// Reads a file whole.
    ///
    /// Throws: `Failure` where it is missing, unreadable, no regular file or too large.
    public static func bytes(of path: String) throws(Failure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Failure(errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Failure(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("is not a regular file")
        }
        guard status.st_size <= limitBytes else {
            throw Failure("has \(status.st_size) bytes, at most \(limitBytes) are read")
        }
        var content = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < content.count {
            let count = content.withUnsafeMutableBytes {
                read(file, $0.baseAddress.map { $0 + filled }, $0.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure(errno) }
            if count == 0 { break }
            filled += count
        }
        content.removeLast(content.count - filled)
        return content
    }

    /// Whether a path leads to a regular file.
    public static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether something can be read under a path.
    public static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }
}

extension FileContent.Failure {
    fileprivate init(_ reason: String) { self.init(reason: reason, isMissing: false) }

    fileprivate init(_ code: Int32) {
        let isMissing = code == ENOENT || code == ENOTDIR
        self.init(
            reason: isMissing
                ? "is missing" : "cannot be read: " + String(cString: strerror(code)),
            isMissing: isMissing)
    }
}
