// The answers of a batch on disk: a file that only grows, a line at a time. What a killed run has left
// is taken over: whole lines count, a torn one at the end goes. A file that is anything else is never
// touched.

import Glibc
import TernJSON

/// A file of answers, written by one process at a time.
final class BatchOutput {
    /// The names of the requests that are answered.
    private(set) var answered: Set<[UInt8]> = []

    private let descriptor: Int32
    private let path: String

    /// More than any answer; bounds what is read of a file that is something else.
    private static let lineLimit = 1 << 30

    /// Opens a file, or makes it, and takes over what an earlier run of the same batch wrote.
    ///
    /// Throws: `BatchError` where the file holds anything else, or another process writes it.
    init(path: String, of input: BatchInput) throws(BatchError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw BatchError(errno: errno, "open \(path)") }
        // From here on `deinit` closes, also where this throws: all properties have their values.
        try descriptor.requireRegularFile(path)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw BatchError("open \(path): another run writes it; expected to be alone")
        }
        try takeOver(names: input.lines)
    }

    deinit { close(descriptor) }

    /// Adds an answer. Once this returns, it outlives the process; once `sync` does, the machine.
    func append(_ answer: BatchAnswer) throws(BatchError) {
        var rest = Array(answer.text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw BatchError(errno: errno, "write \(path)") }
            rest = rest.dropFirst(count)
        }
        answered.insert(answer.name)
    }

    /// Waits until all answers are on the disk.
    func sync() throws(BatchError) {
        guard fdatasync(descriptor) == 0 else { throw BatchError(errno: errno, "sync \(path)") }
    }

    private func takeOver(names: [[UInt8]: Int]) throws(BatchError) {
        var reader = LineReader(descriptor, path: path, limitBytes: Self.lineLimit)
        while let line = try reader.next() {
            guard line.isWhole else {
                let beginning = Array(BatchAnswer.beginning.utf8)
                guard beginning.starts(with: line.bytes) || line.bytes.starts(with: beginning)
                else { throw notOurs(line) }
                guard ftruncate(descriptor, off_t(line.offset)) == 0 else {
                    throw BatchError(errno: errno, "cut the torn line off \(path)")
                }
                return
            }
            guard let answer = try? JSON(parsing: line.bytes),
                let name = answer["custom_id"]?.string, answer["response"] != nil
            else { throw notOurs(line) }
            guard names[Array(name.utf8)] != nil else {
                throw BatchError(
                    "\(path):\(line.number): found custom_id \(answer["custom_id"]?.text() ?? ""), "
                        + "which is not in the input; expected answers of the same batch")
            }
            answered.insert(Array(name.utf8))
        }
    }

    private func notOurs(_ line: LineReader.Line) -> BatchError {
        BatchError(
            "\(path):\(line.number): found no answer of a batch; expected a new file, or the output "
                + "of an earlier run")
    }
}
