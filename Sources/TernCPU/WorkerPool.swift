// The threads of one CPU backend: the caller and its workers, which meet at a gate (CTernThreads)
// for each op. What they compute is in the kernels; how work is cut is in claims.h.

import CTernKernels
import CTernThreads
import Glibc

/// A caller with workers, pinned or not, that run one kernel after another together.
///
/// Thread: one caller at a time. Workers spin for 50 microseconds after an op, then sleep; an op
/// waits only for workers that have joined it, so more threads than cores cost little.
/// `@unchecked Sendable`: the gate's fields are atomics of its own; `threads` is only touched by
/// `init` and `deinit`, the counts by the caller.
public final class WorkerPool: @unchecked Sendable {
    /// Threads that may work on one op, the caller included.
    public let workers: Int
    /// Kernels run so far, and in how many of them the caller met its workers. Thread: the caller's.
    public private(set) var runs = 0, meetings = 0
    private let gate: OpaquePointer
    private var threads: [pthread_t] = []

    /// Starts a worker for each processor but the first, which is the caller's.
    ///
    /// With `pins` every worker stays on its processor, and so does the calling thread on the
    /// first. Throws: `CPUBackendError` where the system refuses.
    public init(processors: [Int], pins: Bool) throws(CPUBackendError) {
        precondition(!processors.isEmpty, "worker pool: 0 processors, expected at least 1")
        workers = processors.count
        guard let gate = tern_gate_create(Int32(workers)) else { throw .thread(cause: ENOMEM) }
        self.gate = gate
        if pins {
            let cause = tern_pin_thread(Int32(processors[0]))
            guard cause == 0 else { throw .pinning(processor: processors[0], cause: cause) }
        }
        for (worker, processor) in processors.enumerated().dropFirst() {
            threads.append(
                try Self.start(
                    Station(gate: gate, worker: worker, processor: pins ? processor : nil)))
        }
    }

    deinit {
        tern_gate_stop(gate)
        for thread in threads { pthread_join(thread, nil) }
        tern_gate_destroy(gate)
    }

    /// Runs a kernel with its arguments on all workers; it is complete on return.
    ///
    /// With `alone` the caller does the work without waking anyone: for what takes microseconds.
    /// Cost: no allocation; about a microsecond while workers spin.
    func run<Arguments: BitwiseCopyable>(
        _ kernel: tern_kernel, _ arguments: inout Arguments, alone: Bool = false
    ) {
        runs += 1
        if alone || workers == 1 {
            tern_run_alone(kernel, &arguments)
        } else {
            meetings += 1
            tern_gate_run(gate, kernel, &arguments)
        }
    }

    private static func start(_ station: Station) throws(CPUBackendError) -> pthread_t {
        let place = UnsafeMutablePointer<Station>.allocate(capacity: 1)
        place.initialize(to: station)
        var thread = pthread_t()
        let cause = tern_start_thread(&thread, serve, place)
        guard cause == 0 else {
            place.deallocate()
            throw .thread(cause: cause)
        }
        return thread
    }
}

/// What a worker's thread is told at its start; it owns this and frees it.
private struct Station {
    let gate: OpaquePointer
    let worker: Int
    let processor: Int?
}

/// The whole life of a worker's thread. Signals are left to the threads that expect them.
private func serve(argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let place = argument.assumingMemoryBound(to: Station.self)
    let station = place.move()
    place.deallocate()
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A processor that was taken away since the start only costs speed.
    if let processor = station.processor { _ = tern_pin_thread(Int32(processor)) }
    tern_gate_serve(station.gate, Int32(station.worker))
    return nil
}
