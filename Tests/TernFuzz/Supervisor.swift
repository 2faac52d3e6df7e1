// Starts a process for each target, waits for it, and says what it died of: the seed and the input
// that do it again.

import Glibc

/// Runs targets and keeps what ends them.
struct Supervisor {
    let seed: UInt64
    let seconds: Int
    /// Where inputs that end a process are written.
    let folder: String
    /// After so many a target is given up.
    private static let mostFaults = 20

    /// Runs a target for its time, anew after each fault; the number of faults.
    func run(_ name: String) throws -> Int {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        let scratch = try Scratch()
        defer { scratch.remove() }
        var (first, faults, slowest, slowestInput) = (0, 0, 0, 0)
        repeat {
            let journal = Journal(inherited: false)
            let rest = max(1, Int((end - clock.now).components.seconds))
            let status = try runChild(
                name, first: first, seconds: rest, scratch, journal)
            if journal.slowestMicroseconds > slowest {
                slowest = journal.slowestMicroseconds
                slowestInput = first + journal.slowestInput
            }
            first += journal.count
            guard status != 0 else { break }
            faults += 1
            try keep(journal, name, number: first - 1, status)
        } while clock.now < end && faults < Self.mostFaults
        Report.line(
            "\(name): \(first) inputs, \(faults) faults, seed \(seed), slowest \(slowest / 1000) ms "
                + "(input \(slowestInput))")
        return faults
    }

    private func keep(_ journal: Journal, _ name: String, number: Int, _ status: Int32) throws {
        guard journal.count > 0 else {
            throw FuzzError("\(name): could not be prepared; see the message above")
        }
        let file = folder + "/fuzz-\(name)-\(seed)-\(number).input"
        Scratch(folder: folder).write("fuzz-\(name)-\(seed)-\(number).input", journal.input)
        let signal = status & 0x7F
        let cause =
            switch signal {
            case 0: "exit \(status >> 8 & 0xFF)"
            case SIGALRM: "more than \(Child.inputSeconds) s"
            default: "signal \(signal)"
            }
        Report.line("\(name): input \(number) of seed \(seed): \(cause)")
        Report.line("    to see it again: tern-fuzz --target \(name) --input \(file)")
    }

    private func runChild(
        _ name: String, first: Int, seconds: Int, _ scratch: Scratch, _ journal: Journal
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, journal.descriptor, Journal.childDescriptor)
        let words = [
            "tern-fuzz", "--child", "--target", name, "--seed", "\(seed)", "--first", "\(first)",
            "--seconds", "\(seconds)", "--scratch", scratch.folder,
        ]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, environ)
        guard code == 0 else { throw FuzzError("start of a process: error \(code)") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR { continue }
        return status
    }
}

/// Why fuzzing could not go on.
struct FuzzError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What a person reads, line by line and at once, for a run takes minutes.
enum Report {
    /// Writes a line to standard output.
    static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(1, bytes, bytes.count)
    }
}
