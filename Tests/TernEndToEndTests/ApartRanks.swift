// Engines whose ranks live in a child process, for tests that end that process.

import Glibc
import Synchronization
import TernEngine
import TernPlanning
import TernTesting

/// An engine and the process of its ranks.
struct ApartRanks: Sendable {
    let engine: Engine
    private let notes = Notes()
    /// Tells this engine's process from those of other tests.
    private let mark = "--seed=\(Int.random(in: 0 ... .max))"

    /// What the engine reports.
    private final class Notes: Sendable {
        let lines = Mutex<[String]>([])
    }

    /// Starts an engine whose ranks run in the built program.
    init(
        _ folder: String, _ flags: [String], _ change: (inout EngineConfiguration) -> Void
    ) throws {
        try self.init(
            folder, program: TernProcess.executable(),
            words: { folder, cache in
                [folder, "\(getpid())"] + flags
                    + (cache > 0 ? ["--kv-cache-memory-bytes", "\(cache)"] : [])
            }, change)
    }

    /// The same with a program and its words, which hear what the cache takes, once it is settled.
    init(
        _ folder: String, program: String,
        words: @escaping @Sendable (_ folder: String, _ cacheBytes: Int) -> [String],
        _ change: (inout EngineConfiguration) -> Void
    ) throws {
        var configuration = EngineConfiguration(folder: folder)
        change(&configuration)
        let first = program == TernProcess.executable() ? 0 : configuration.cacheBytes ?? 0
        let mark = mark
        // A crash is to be over at once: where test runs ask for backtraces, they take seconds.
        let command = RankCommand(executable: "/usr/bin/env") { summary in
            ["SWIFT_BACKTRACE=enable=no", program, "host-ranks"]
                + words(folder, summary?.memory.cacheBytes ?? first) + [mark]
        }
        let notes = notes
        engine = try Engine(configuration, ranks: .childProcess(command)) { report in
            if case .note(let line) = report { notes.lines.withLock { $0.append(line) } }
        }
    }

    /// The process of the ranks; nil while there is none.
    var child: pid_t? { Processes.ranks(of: getpid(), with: mark) }

    /// The lines of the log.
    var log: [String] { notes.lines.withLock { $0 } }

    /// Waits until something holds, for so many seconds at most; whether it does.
    static func await(seconds: Int = 30, _ holds: () -> Bool) -> Bool {
        for _ in 0..<seconds * 200 {
            if holds() { return true }
            usleep(5000)
        }
        return holds()
    }
}
