// Reading requests takes time that grows with them: JSON, templates, tokenizing. It happens on a
// thread of its own, so that a long prompt never holds up the streams of others. Values go in,
// values come out; exchanges and everything of libevent stay on the HTTP thread.

import Glibc
import Synchronization

/// A thread that works through a queue.
///
/// Thread: `submit` from any; the work is done on the reader's own.
final class RequestReader: Sendable {
    private enum Message: Sendable {
        case work(bytes: Int, @Sendable () -> Void)
        case end
    }

    private let queue: EventQueue<Message>
    private let limits: HTTPLimits
    /// What is not done yet.
    private let unread = Mutex((requests: 0, bytes: 0))

    init(_ limits: HTTPLimits = HTTPLimits()) throws(ServerError) {
        self.limits = limits
        queue = try EventQueue()
    }

    /// Does a piece of work after those before it; false, and it will not be done, where too many
    /// or too large ones wait.
    func submit(bytes: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
        let fits = unread.withLock { unread in
            guard unread.requests < limits.unreadRequests,
                unread.requests == 0 || unread.bytes + bytes <= limits.unreadBytes
            else { return false }
            unread.requests += 1
            unread.bytes += bytes
            return true
        }
        if fits { queue.send(.work(bytes: bytes, work)) }
        return fits
    }

    /// Starts the thread. It must be ended.
    func start() throws(ServerError) -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<RequestReader>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw ServerError(errno: code, "thread of the request reader")
        }
        return thread
    }

    /// Lets the thread end after the work that was submitted, and waits for it.
    func end(_ thread: pthread_t) {
        queue.send(.end)
        pthread_join(thread, nil)
    }

    private func run() {
        // For the system's tools.
        if let file = fopen("/proc/thread-self/comm", "w") {
            fputs("tern-reader", file)
            fclose(file)
        }
        while true {
            var wait = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&wait, 1, -1)
            for message in queue.takeAll() {
                switch message {
                case .work(let bytes, let work):
                    work()
                    unread.withLock { unread in
                        unread.requests -= 1
                        unread.bytes -= bytes
                    }
                case .end: return
                }
            }
        }
    }
}
