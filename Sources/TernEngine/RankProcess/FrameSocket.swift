// One end of a pair of sockets on which frames travel. Every wait has a deadline. It knows nothing of
// what frames mean.

import Glibc
import Synchronization

/// A connected socket, closed with its last reference.
///
/// Thread: one receives at a time; any may send.
final class FrameSocket: Sendable {
    let descriptor: Int32
    /// Frames of different threads go out one after the other.
    private let sending = Mutex(())
    /// What was received of the next frame.
    private let received = Mutex<[UInt8]>([])

    /// Takes a descriptor over.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Two connected ends, neither of which outlives an exec.
    ///
    /// Throws: where the system has no more descriptors.
    static func pair() throws(FrameError) -> (FrameSocket, FrameSocket) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw FrameError("socketpair: \(String(cString: strerror(errno)))")
        }
        return (FrameSocket(ends[0]), FrameSocket(ends[1]))
    }

    /// Sends a frame.
    ///
    /// Throws: where the other end is gone, or takes nothing for so long.
    func send(_ frame: Frame, within deadline: Duration) throws(FrameError) {
        let end = ContinuousClock.now + deadline
        try sending.withLock { _ throws(FrameError) in
            try write(frame.header, until: end)
            try write(frame.payload, until: end)
        }
    }

    /// Receives the next frame; nil where the other end is gone.
    ///
    /// Throws: where a frame is malformed, or does not come in time.
    func receive(within deadline: Duration) throws(FrameError) -> Frame? {
        let end = ContinuousClock.now + deadline
        return try received.withLock { bytes throws(FrameError) in
            guard try fill(&bytes, to: Frame.headerBytes, until: end) else { return nil }
            let (kind, length) = try Frame.parse(header: Array(bytes[..<Frame.headerBytes]))
            guard try fill(&bytes, to: Frame.headerBytes + length, until: end) else { return nil }
            defer { bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptBytes) }
            return Frame(kind, payload: Array(bytes[Frame.headerBytes...]))
        }
    }

    /// Frees whoever waits on either end.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Buffers beyond this are given back after use.
    private static let keptBytes = 1 << 20
    /// Memory grows as bytes come, never by what a header claims.
    private static let chunkBytes = 1 << 18

    /// Reads until there are so many bytes and no more; false at the end of the stream.
    private func fill(
        _ bytes: inout [UInt8], to count: Int, until end: ContinuousClock.Instant
    ) throws(FrameError) -> Bool {
        while bytes.count < count {
            let start = bytes.count
            let most = min(count - start, Self.chunkBytes)
            bytes.append(contentsOf: repeatElement(0, count: most))
            let got = bytes.withUnsafeMutableBytes {
                recv(
                    descriptor, $0.baseAddress?.advanced(by: start), most,
                    Int32(MSG_DONTWAIT))
            }
            let cause = errno
            bytes.removeLast(most - max(0, got))
            if got == 0 { return false }
            guard got < 0 else { continue }
            switch cause {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLIN, until: end)
            case ECONNRESET: return false
            default: throw FrameError("recv: \(String(cString: strerror(cause)))")
            }
        }
        return true
    }

    private func write(
        _ bytes: [UInt8], until end: ContinuousClock.Instant
    ) throws(FrameError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, until: end)
            } else if errno != EINTR {
                throw FrameError("send: \(String(cString: strerror(errno)))")
            }
        }
    }

    private func wait(for event: Int32, until end: ContinuousClock.Instant) throws(FrameError) {
        let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
        guard left > 0 else { throw FrameError("nothing came or went within the deadline") }
        var poller = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        poll(&poller, 1, Int32(min(left.rounded(.up), 1e9)))
    }
}
