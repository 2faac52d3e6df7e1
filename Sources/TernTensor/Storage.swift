// Memory that tensors are views of: anonymous pages for weights, caches and activations, or a file
// mapped for reading. It neither knows shapes nor copies anything.

import Glibc

/// A run of bytes with one owner that unmaps it.
///
/// `@unchecked Sendable`: the address and size never change after `init`; who may write which bytes
/// when is the business of the step (one rank writes, after the barrier others read).
public final class Storage: @unchecked Sendable {
    /// The first byte; aligned to a page.
    public let base: UnsafeMutableRawPointer
    /// Number of usable bytes.
    public let bytes: Int
    /// Whether the bytes are a file's, which can be read again.
    private let isFile: Bool

    /// Zeroed memory; pages become resident when they are first touched.
    ///
    /// Throws: `StorageError` where the system refuses.
    public init(zeroedBytes bytes: Int) throws(StorageError) {
        let length = max(bytes, 1)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let address = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0),
            address != MAP_FAILED
        else { throw .outOfMemory(bytes: bytes, cause: errno) }
        madvise(address, length, MADV_HUGEPAGE)
        self.base = address
        self.bytes = bytes
        isFile = false
    }

    /// A file's bytes, shared with the page cache; writing to them is a fault.
    ///
    /// Throws: `StorageError` where the file cannot be opened or mapped.
    public init(mapping path: String) throws(StorageError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .unreadable(path: path, cause: errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, cause: errno == 0 ? EISDIR : errno)
        }
        let length = max(Int(status.st_size), 1)
        guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, file, 0),
            address != MAP_FAILED
        else { throw .unreadable(path: path, cause: errno) }
        self.base = address
        self.bytes = Int(status.st_size)
        isFile = true
    }

    /// Lets the pages of a file go that hold some of its bytes, and those beside them that the system
    /// may have brought in with them: they count as this process's memory no more, and come back when
    /// they are read again. Memory that is no file's stays as it is.
    ///
    /// Thread: any, readers of the same bytes among them.
    public func letGo(of range: Range<Int>) {
        precondition(
            0 <= range.lowerBound && range.upperBound <= bytes,
            "bytes \(range) of a storage of \(bytes)")
        guard isFile, !range.isEmpty else { return }
        let first = range.lowerBound / Self.folioBytes * Self.folioBytes
        let end = (range.upperBound + Self.folioBytes - 1) / Self.folioBytes * Self.folioBytes
        madvise(base + first, min(end, bytes) - first, MADV_DONTNEED)
    }

    /// The most of a file that the system holds, and brings in, as one.
    private static let folioBytes = 2 << 20

    deinit { munmap(base, max(bytes, 1)) }
}

/// Why memory or a mapped file could not be had.
public enum StorageError: Error, CustomStringConvertible {
    case outOfMemory(bytes: Int, cause: Int32)
    case unreadable(path: String, cause: Int32)

    /// What the system said, without sizes and paths.
    public var cause: String {
        switch self {
        case .outOfMemory(_, let code): String(cString: strerror(code))
        case .unreadable(_, ENOENT): "is missing"
        case .unreadable(_, let code): "cannot be read: " + String(cString: strerror(code))
        }
    }

    /// One line for a person.
    public var description: String {
        switch self {
        case .outOfMemory(let bytes, _): "memory: \(bytes) bytes refused by the system: \(cause)"
        case .unreadable(let path, _): "\(path): \(cause)"
        }
    }
}
