// How the engine's thread, and any other, reaches the HTTP thread: values in a locked queue and an
// eventfd that wakes the loop. No handle of libevent is touched from another thread.

import CLibevent
import Glibc
import Synchronization

/// A queue into an event loop. Anyone sends; the loop's thread takes.
final class EventQueue<Message: Sendable>: Sendable {
    /// Readable while messages wait.
    let descriptor: Int32
    private let messages = Mutex<[Message]>([])

    init() throws(ServerError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw ServerError(errno: errno, "event queue") }
    }

    deinit { close(descriptor) }

    /// Adds a message; the loop is woken when the queue was empty.
    ///
    /// Thread: any.
    func send(_ message: Message) {
        let wasEmpty = messages.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        if wasEmpty { eventfd_write(descriptor, 1) }
    }

    /// Takes all messages, in the order in which they were sent.
    ///
    /// Thread: the loop's.
    func takeAll() -> [Message] {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
