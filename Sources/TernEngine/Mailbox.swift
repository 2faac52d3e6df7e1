// How values cross from one thread to another: a queue with a lock, and waits that have a deadline.

import Glibc

/// A queue between threads. What is put in comes out once, in order.
///
/// `@unchecked Sendable`: the elements are touched under the mutex alone.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private var elements: [Element] = []
    private var isClosed = false
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(filled, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(filled)
        pthread_mutex_destroy(mutex)
        filled.deallocate()
        mutex.deallocate()
    }

    /// Adds an element and wakes a thread that waits; false, and nothing is added, once closed.
    @discardableResult
    func put(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        let isOpen = !isClosed
        if isOpen { elements.append(element) }
        pthread_mutex_unlock(mutex)
        // A thread that is woken under the lock would wait for it at once.
        if isOpen { pthread_cond_signal(filled) }
        return isOpen
    }

    /// Takes no more elements; those that are in can still be taken.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
    }

    /// Takes the oldest element, waiting for one at most so long; nil after that.
    func take(within deadline: Duration) -> Element? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        waitUntilFilled(deadline)
        return elements.isEmpty ? nil : elements.removeFirst()
    }

    /// Takes all elements, waiting for the first at most so long.
    func takeAll(within deadline: Duration) -> [Element] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        waitUntilFilled(deadline)
        defer { elements.removeAll(keepingCapacity: true) }
        return elements
    }

    private func waitUntilFilled(_ deadline: Duration) {
        guard elements.isEmpty, deadline > .zero else { return }
        var end = timespec.now(CLOCK_MONOTONIC) + deadline
        while elements.isEmpty {
            if pthread_cond_timedwait(filled, mutex, &end) == ETIMEDOUT { return }
        }
    }
}
