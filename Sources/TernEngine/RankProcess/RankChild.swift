// A child process that runs ranks, as its parent sees it: started with one socket for its life and one
// for each replica, killed without warning, for it owns nothing that outlives it.

import CTernThreads
import Glibc
import Synchronization

/// A child process.
final class RankChild: Sendable {
    let control: FrameSocket
    let replicas: [FrameSocket]
    private let process: pid_t
    /// Whether its number may be another's by now.
    private let isReaped = Mutex(false)

    /// Starts the process. It dies with the calling thread, at the latest.
    ///
    /// Throws: where the system refuses.
    init(_ command: RankCommand, words: [String], replicas count: Int) throws(EngineError) {
        do {
            var ends: [FrameSocket] = []
            var others: [FrameSocket] = []
            for _ in 0...count {
                let (own, other) = try FrameSocket.pair()
                ends.append(own)
                others.append(other)
            }
            process = try Self.spawn(
                [command.executable] + words, descriptors: others.map(\.descriptor))
            // The child's ends close here, so that its own death closes the last of them.
            withExtendedLifetime(others) {}
            control = ends[0]
            replicas = Array(ends[1...])
        } catch {
            throw EngineError(.failed, "starting the ranks' process: \(error)")
        }
    }

    /// Ends it, at whatever it is.
    func kill() {
        isReaped.withLock { isReaped in
            if !isReaped { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    /// Ends it if it has not ended, waits until it is gone, and tells how it ended.
    func reap(within deadline: Duration) -> String {
        kill()
        let end = ContinuousClock.now + deadline
        var status: Int32 = 0
        while ContinuousClock.now < end {
            let isGone = isReaped.withLock { isReaped in
                isReaped = isReaped || waitpid(process, &status, WNOHANG) != 0
                return isReaped
            }
            guard !isGone else { return Self.describe(status) }
            usleep(1000)
        }
        return "did not end within \(deadline)"
    }

    private static func describe(_ status: Int32) -> String {
        let signal = status & 0x7F
        guard signal != 0 else { return "ended with status \(status >> 8 & 0xFF)" }
        let name = strsignal(signal).map { String(cString: $0) } ?? "?"
        return "ended by signal \(signal) (\(name))"
    }

    /// Starts a program that finds the descriptors under the numbers of `RankDescriptor` and no others
    /// but standard error, which it shares.
    private static func spawn(
        _ words: [String], descriptors: [Int32]
    ) throws(FrameError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        // First out of the way of the numbers they are to have, then to these.
        let room = RankDescriptor.replica(descriptors.count)
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for descriptor in descriptors {
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, room)
            guard copy >= room else {
                throw FrameError("fcntl: \(String(cString: strerror(errno)))")
            }
            copies.append(copy)
        }
        for (index, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(
                &actions, copy, RankDescriptor.control + Int32(index))
        }
        tern_close_from(
            &actions, RankDescriptor.control + Int32(copies.count))
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let code = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        guard code == 0 else {
            throw FrameError("\(words[0]): \(String(cString: strerror(code)))")
        }
        return process
    }
}
