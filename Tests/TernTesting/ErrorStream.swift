// What a program of a test writes to standard error. It is read as it comes, whether a test asks for
// it or not: a program whose pipe is full would stop at its next line.

import Glibc
import Synchronization

/// The bytes of a pipe that a thread of its own reads to the end.
final class ErrorStream: Sendable {
    private let state = Mutex((bytes: [UInt8](), isOver: false))

    /// Takes the reading end of a pipe over.
    init(_ file: Int32) {
        spawn { [self] in
            var chunk = [UInt8](repeating: 0, count: 1 << 12)
            while true {
                let count = read(file, &chunk, chunk.count)
                guard count > 0 else { break }
                state.withLock { $0.bytes += chunk[..<count] }
            }
            close(file)
            state.withLock { $0.isOver = true }
        }
    }

    /// The next line, without its end; nil where the stream ends before it.
    func line() -> String? {
        search { bytes, _ in
            guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { bytes.removeFirst(end + 1) }
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }

    /// Everything that no line took, to the end.
    func rest() -> String {
        search { bytes, isOver in isOver ? String(decoding: bytes, as: UTF8.self) : nil } ?? ""
    }

    /// Waits until a body finds what it looks for; nil where the stream ends without it.
    private func search(_ found: (inout [UInt8], Bool) -> String?) -> String? {
        while true {
            let (text, isOver) = state.withLock { (found(&$0.bytes, $0.isOver), $0.isOver) }
            if text != nil || isOver { return text }
            usleep(1000)
        }
    }
}
