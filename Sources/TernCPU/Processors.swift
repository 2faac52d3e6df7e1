// Which processors this process may use. Near which memory they are is MemoryNode's to tell.

import CTernThreads
import Glibc

/// The processors of this machine, as the system numbers them.
public enum Processors {
    /// Those that the calling thread may run on (its affinity: containers and taskset count).
    public static func available() -> [Int] {
        let capacity = 4096
        let numbers = [Int32](unsafeUninitializedCapacity: capacity) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = max(0, Int(tern_available_processors(start, Int32(capacity))))
        }
        return numbers.isEmpty ? [0] : numbers.map(Int.init)
    }
}
