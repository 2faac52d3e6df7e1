// Threads of a test. What waits for its peers must not run as a task: tasks that meet in a barrier
// hang the pool that runs the tests. Nothing here knows ranks.

import Glibc
import Synchronization

/// A thread that the system did not start.
public struct ThreadRefused: Error {
    /// What pthread_create answered.
    public let cause: Int32
}

/// A thread to be joined.
private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }

    func start() throws -> pthread_t {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            throw ThreadRefused(cause: code)
        }
        return thread
    }
}

/// Runs a body on so many threads at once and returns what each ended with, in their order. A test's
/// expectations stay with its own thread.
///
/// Throws: `ThreadRefused` where the system starts no more threads.
public func onThreads<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Result<Value, any Error>] {
    let results = Mutex<[Int: Result<Value, any Error>]>([:])
    let threads = try (0..<count).map { number in
        try Body {
            let result = Result<Value, any Error> { try body(number) }
            results.withLock { $0[number] = result }
        }.start()
    }
    for thread in threads { pthread_join(thread, nil) }
    return results.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value)
}
