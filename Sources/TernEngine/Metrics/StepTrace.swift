// A file of trace events that grows while the engine runs and opens in Perfetto. It is an array of
// JSON objects, a line each, and every write ends with a whole line: the format lets the closing
// bracket be missing, so that a file that was cut is read as far as it goes. What the events say is
// LoopTrace's.
//
// Source: Trace Event Format, "JSON Array Format".

import Glibc
import Synchronization
import TernJSON

/// A trace that is being written.
///
/// Thread: any.
public final class StepTrace: Sendable {
    private struct State {
        let file: Int32
        var buffer: [UInt8] = Array("[".utf8)
        var isEmpty = true
        var written = Moment.now
    }

    /// From here the trace counts its time.
    let start = Moment.now
    private let state: Mutex<State>

    /// Bytes that wait at most, and how long they may.
    private static let bufferBytes = 64 * 1024
    private static let patienceSeconds = 1.0

    /// Creates the file, or empties it.
    ///
    /// Throws: `EngineError` with the system's reason.
    public init(path: String) throws(EngineError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw EngineError(
                .invalid(parameter: "trace"), "trace \(path): \(String(cString: strerror(errno)))")
        }
        state = Mutex(State(file: file))
    }

    deinit {
        state.withLock { state in
            state.buffer += Array("\n]\n".utf8)
            Self.write(&state)
            close(state.file)
        }
    }

    /// Adds an event.
    func add(_ event: JSON) {
        let line = event.text()
        state.withLock { state in
            state.buffer += Array((state.isEmpty ? "\n" : ",\n").utf8)
            state.buffer += Array(line.utf8)
            state.isEmpty = false
            if state.buffer.count >= Self.bufferBytes
                || state.written.seconds(to: .now) >= Self.patienceSeconds
            {
                Self.write(&state)
            }
        }
    }

    /// Microseconds since the start of the trace.
    func time(_ moment: Moment) -> JSON {
        .number(max(0, start.seconds(to: moment) * 1e6))
    }

    /// A full disk loses events, not requests.
    private static func write(_ state: inout State) {
        var rest = state.buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(state.file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        state.buffer.removeAll(keepingCapacity: true)
        state.written = .now
    }
}
