// The loop of the HTTP thread: libevent's event base, and single events on it as Swift closures.
// All of libevent lives on the thread that runs the loop; what other threads have to say comes
// through EventQueue.

import CLibevent
import Glibc

/// An event base. Not Sendable: it is made, run and freed on one thread.
final class EventLoop {
    /// The handle, for the files that wrap other parts of libevent.
    let base: OpaquePointer

    init() throws(ServerError) {
        guard let base = event_base_new() else {
            throw ServerError("event loop: libevent could not make one")
        }
        self.base = base
    }

    deinit { event_base_free(base) }

    /// Runs until `stop()`.
    func run() { event_base_dispatch(base) }

    /// Ends `run()` after the event that is handled now.
    func stop() { event_base_loopbreak(base) }
}

/// A timer, a signal or a descriptor to read, with what to do when it fires.
final class LoopEvent {
    private final class Action {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private let event: OpaquePointer
    private let action: Action
    private let loop: EventLoop

    /// Fires once for each `schedule(after:)`.
    convenience init(timerOn loop: EventLoop, _ action: @escaping () -> Void) throws(ServerError) {
        try self.init(loop, -1, 0, action)
    }

    /// Fires again and again.
    convenience init(
        repeatingEvery interval: Duration, on loop: EventLoop, _ action: @escaping () -> Void
    ) throws(ServerError) {
        try self.init(loop, -1, Int16(EV_PERSIST), action)
        schedule(after: interval)
    }

    /// Fires whenever the process gets a signal, also where a parent started it with the signal
    /// blocked.
    convenience init(
        signal: Int32, on loop: EventLoop, _ action: @escaping () -> Void
    ) throws(ServerError) {
        try self.init(loop, signal, Int16(EV_SIGNAL | EV_PERSIST), action)
        event_add(event, nil)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, signal)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Fires while a descriptor has something to read.
    convenience init(
        reading descriptor: Int32, on loop: EventLoop, _ action: @escaping () -> Void
    ) throws(ServerError) {
        try self.init(loop, descriptor, Int16(EV_READ | EV_PERSIST), action)
        event_add(event, nil)
    }

    private init(
        _ loop: EventLoop, _ descriptor: Int32, _ what: Int16, _ action: @escaping () -> Void
    ) throws(ServerError) {
        let action = Action(action)
        let made = event_new(
            loop.base, descriptor, what,
            { _, _, context in
                guard let context else { return }
                Unmanaged<Action>.fromOpaque(context).takeUnretainedValue().run()
            }, Unmanaged.passUnretained(action).toOpaque())
        guard let made else { throw ServerError("event loop: libevent could not make an event") }
        event = made
        self.action = action
        self.loop = loop
    }

    deinit { event_free(event) }

    /// Fires after a time; a time that was set before is replaced.
    func schedule(after delay: Duration) {
        let parts = delay.components
        var time = timeval(
            tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        event_add(event, &time)
    }

    /// Fires as soon as the events that are handled now are done, before any other is looked for.
    func fire() { event_active(event, Int32(EV_TIMEOUT), 1) }

    /// Does not fire any more.
    func cancel() { event_del(event) }
}
