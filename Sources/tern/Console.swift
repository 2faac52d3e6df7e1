// Standard input, output and error, in bytes: texts of models go through unchanged.

import Glibc

/// The process's three streams.
enum Console {
    /// Writes text as it is, at once.
    static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Writes a line of the log, or a cause of failure.
    static func note(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Overwrites the last line of standard error, where it is a terminal.
    static func progress(_ line: String, isDone: Bool) {
        guard isatty(STDERR_FILENO) == 1 else {
            if isDone { note(line) }
            return
        }
        write("\r\u{1B}[K" + line + (isDone ? "\n" : ""), to: STDERR_FILENO)
    }

    /// All of standard input, byte by byte as it is.
    ///
    /// Throws: `UsageError` past the limit, or where reading fails.
    static func input(limitBytes: Int = 256 << 20) throws(UsageError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes {
                read(STDIN_FILENO, $0.baseAddress, $0.count)
            }
            if count == 0 { return content }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw UsageError("standard input: \(String(cString: strerror(errno)))")
            }
            content += chunk[..<count]
            guard content.count <= limitBytes else {
                throw UsageError("standard input: more than \(limitBytes) bytes")
            }
        }
    }

    /// A reader that left ends the program quietly; output that is lost is a failure. What cannot
    /// be said on standard error is not said.
    private static func fail(_ file: Int32, cause: Int32) {
        guard file == STDOUT_FILENO else { return }
        if cause != EPIPE {
            note("tern: standard output: \(String(cString: strerror(cause)))")
        }
        exit(1)
    }

    private static func write(_ text: String, to file: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return fail(file, cause: errno) }
            rest = rest.dropFirst(count)
        }
    }
}

/// A bar on standard error that shows how far something is.
struct ProgressBar {
    let title: String

    /// Shows a share from 0 to 1.
    func show(_ share: Double, _ remark: String = "") {
        let width = 30
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let percent = Int(share * 100)
        Console.progress("\(title) [\(bar)] \(percent) % \(remark)", isDone: share >= 1)
    }
}
