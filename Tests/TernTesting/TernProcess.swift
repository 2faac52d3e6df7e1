// The built program as a user runs it: its words, its standard streams, its exit status.

import Glibc
import Synchronization

/// A run of the `tern` executable that the test build made.
public final class TernProcess {
    private let process: pid_t
    private let input: Int32
    private let output: Int32
    private let errors: ErrorStream
    private var status: Int32?

    /// What a run that ended left.
    public struct Outcome {
        /// The exit status, or 128 and the signal.
        public let status: Int32
        /// Standard output.
        public let output: String
        /// Standard error.
        public let errors: String
    }

    /// An executable of the package, which lies beside the test bundle that runs.
    public static func executable(_ program: String = "tern") -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(count, 0)).map(UInt8.init), as: UTF8.self)
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
        return bundle.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/" + program
    }

    /// One start at a time: a program started between two lines of another start would inherit
    /// the other's pipes and keep them open.
    private static let starting = Mutex(())

    /// Starts a program.
    public convenience init(_ arguments: [String], program: String = "tern") throws {
        let executable = Self.executable(program)
        let started = try Self.starting.withLock { _ in try Self.start(executable, arguments) }
        self.init(process: started.process, ends: started.ends)
    }

    private init(process: pid_t, ends: [Int32]) {
        self.process = process
        input = ends[0]
        output = ends[1]
        errors = ErrorStream(ends[2])
    }

    private static func start(
        _ executable: String, _ arguments: [String]
    ) throws -> (process: pid_t, ends: [Int32]) {
        var pipes: [[Int32]] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Fixture.Missing(path: "pipe") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes.append(ends)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, ends) in pipes.enumerated() {
            posix_spawn_file_actions_adddup2(
                &actions, ends[number == 0 ? 0 : 1], Int32(number))
        }
        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let code = posix_spawn(&process, executable, &actions, nil, &words, environ)
        close(pipes[0][0])
        close(pipes[1][1])
        close(pipes[2][1])
        let ends = [pipes[0][1], pipes[1][0], pipes[2][0]]
        guard code == 0 else {
            for end in ends { close(end) }
            throw Fixture.Missing(path: executable)
        }
        return (process, ends)
    }

    deinit {
        if status == nil {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        close(output)
    }

    /// Runs the program to its end.
    public static func run(
        _ arguments: [String], program: String = "tern", input: some Sequence<UInt8> = []
    ) throws -> Outcome {
        let process = try TernProcess(arguments, program: program)
        var rest = Array(input)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(process.input, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        close(process.input)
        let output = process.readAll(process.output)
        let errors = process.errors.rest()
        return Outcome(status: process.wait(), output: output, errors: errors)
    }

    /// Reads standard error line by line until one holds a text; nil at its end.
    public func line(containing text: String) -> String? {
        while let line = errors.line() {
            if line.contains(text) { return line }
        }
        return nil
    }

    /// Bytes of memory that the running program has touched and still holds.
    public func residentBytes() throws -> Int {
        try Processes.residentBytes(of: process)
    }

    /// The system's number of the process.
    public var number: pid_t { process }

    /// Sends a signal.
    public func signal(_ number: Int32) { kill(process, number) }

    /// Waits for the end, a minute at most: then it is killed, which the status tells.
    public func wait() -> Int32 {
        var code: Int32 = 0
        var attempts = 0
        while waitpid(process, &code, WNOHANG) == 0 {
            attempts += 1
            if attempts == 6000 { kill(process, SIGKILL) }
            usleep(10_000)
        }
        let signal = code & 0x7F
        let exit = signal == 0 ? code >> 8 & 0xFF : 128 + signal
        status = exit
        return exit
    }

    private func readAll(_ file: Int32) -> String {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: content, as: UTF8.self) }
            content += chunk[..<count]
        }
    }
}
