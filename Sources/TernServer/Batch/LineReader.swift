// Lines of a file of any size, one after the other, in memory for one line. What they say is the
// reader's caller's business.

import Glibc

/// Reads a regular file by lines.
///
/// Owned by one caller at a time; the descriptor stays its owner's to close.
struct LineReader {
    /// A line of a file.
    struct Line {
        /// Counted from 1.
        let number: Int
        /// Where it begins in the file.
        let offset: Int
        /// Its bytes without the line break.
        let bytes: [UInt8]
        /// Whether a line break ends it; the last one may lack it.
        let isWhole: Bool

        /// Whether there is nothing in it.
        var isBlank: Bool {
            bytes.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
        }
    }

    private let descriptor: Int32
    private let path: String
    private let limitBytes: Int
    private var chunk: [UInt8] = []
    /// Where the unread part of the chunk begins, and where in the file.
    private var position = 0
    private var offset = 0
    private var number = 0

    private static let chunkBytes = 1 << 16

    /// Reads an open file from its start. No line may be longer than a limit.
    init(_ descriptor: Int32, path: String, limitBytes: Int) {
        self.descriptor = descriptor
        self.path = path
        self.limitBytes = limitBytes
    }

    /// The next line; nil at the end of the file.
    mutating func next() throws(BatchError) -> Line? {
        var bytes: [UInt8] = []
        let start = offset
        while true {
            if position == chunk.count {
                try fill()
                guard position < chunk.count else {
                    guard !bytes.isEmpty else { return nil }
                    number += 1
                    return Line(number: number, offset: start, bytes: bytes, isWhole: false)
                }
            }
            let rest = chunk[position...]
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            bytes += rest[..<(end ?? rest.endIndex)]
            let taken = (end.map { $0 + 1 } ?? rest.endIndex) - position
            position += taken
            offset += taken
            guard bytes.count <= limitBytes else {
                throw BatchError(
                    "\(path):\(number + 1): found more than \(limitBytes) bytes in one line, "
                        + "which is the most")
            }
            if end != nil {
                number += 1
                return Line(number: number, offset: start, bytes: bytes, isWhole: true)
            }
        }
    }

    private mutating func fill() throws(BatchError) {
        var filled = [UInt8](repeating: 0, count: Self.chunkBytes)
        var count: Int
        repeat {
            count = filled.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { throw BatchError(errno: errno, "read \(path)") }
        filled.removeLast(filled.count - count)
        (chunk, position) = (filled, 0)
    }
}
