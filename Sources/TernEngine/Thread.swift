// A thread of our own, never a Task: tasks that wait for each other hang the cooperative pool.

import CTernThreads
import Glibc
import Synchronization

/// A running thread, to be joined.
final class Thread: Sendable {
    private let handle: pthread_t
    private let ended = Mailbox<Void>()
    private let isJoined = Mutex(false)

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread; its name shows in the system's tools (15 bytes).
    ///
    /// Throws: `EngineError` where the system refuses.
    init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(EngineError) {
        let start = Start { [ended] in
            Self.setName(name)
            body()
            ended.put(())
        }
        let retained = Unmanaged.passRetained(start)
        var handle = pthread_t()
        let code = tern_start_thread(
            &handle,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            throw EngineError(.failed, "thread \(name): \(String(cString: strerror(code)))")
        }
        self.handle = handle
    }

    /// Waits for the thread's end, at most so long; false where it goes on.
    func join(within deadline: Duration) -> Bool {
        isJoined.withLock { isJoined in
            if !isJoined && ended.take(within: deadline) != nil {
                isJoined = pthread_join(handle, nil) == 0
            }
            return isJoined
        }
    }

    /// What the calling thread has had of a processor since its start.
    static func processorTime() -> Duration {
        let time = timespec.now(CLOCK_THREAD_CPUTIME_ID)
        return Duration(
            secondsComponent: Int64(time.tv_sec),
            attosecondsComponent: Int64(time.tv_nsec) * 1_000_000_000)
    }

    private static func setName(_ name: String) {
        guard let file = fopen("/proc/thread-self/comm", "w") else { return }
        fputs(String(name.prefix(15)), file)
        fclose(file)
    }
}

extension timespec {
    /// The time of a clock.
    static func now(_ clock: clockid_t) -> timespec {
        var now = timespec()
        clock_gettime(clock, &now)
        return now
    }

    static func + (start: timespec, duration: Duration) -> timespec {
        let parts = duration.components
        let nanoseconds = start.tv_nsec + Int(parts.attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: start.tv_sec + Int(parts.seconds) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000)
    }
}
