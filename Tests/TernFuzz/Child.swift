// The process that reads inputs. It bounds its own memory and time, for a fault may take either; what
// is left of it when it dies is in the journal.

import Glibc

/// A run of one target.
struct Child {
    /// Seconds that one input may take.
    static let inputSeconds: UInt32 = 20

    let target: FuzzTarget
    let journal: Journal

    /// Reads inputs for some seconds, or at most some many.
    func run(seed: UInt64, from first: Int, seconds: Int) throws {
        let source = try InputSource(target, seed: seed)
        bound()
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var number = first
        while clock.now < end {
            read(source.input(number))
            number += 1
        }
    }

    /// Reads one input, under the same bounds.
    func run(_ input: [UInt8]) {
        bound()
        read(input)
    }

    private func read(_ input: [UInt8]) {
        journal.begin(input)
        alarm(Self.inputSeconds)
        let start = Self.processorMicroseconds
        target.read(input)
        journal.end(microseconds: Self.processorMicroseconds - start)
        alarm(0)
    }

    private static var processorMicroseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Bounds the address space to what there is and the target's share; no core is dumped.
    private func bound() {
        var pages = 0
        if let file = fopen("/proc/self/statm", "r") {
            var line = [CChar](repeating: 0, count: 64)
            if fgets(&line, 64, file) != nil { pages = atol(line) }
            fclose(file)
        }
        let bytes = rlim_t(pages * sysconf(Int32(_SC_PAGESIZE)) + target.memoryBytes)
        var memory = rlimit(rlim_cur: bytes, rlim_max: bytes)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &memory)
        var core = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
    }
}
