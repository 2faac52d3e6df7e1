// A process of ranks that breaks when it is shown certain tokens: what a bug in a kernel would do to
// it. Tests start it in the place of `tern host-ranks`.

import Glibc
import TernCPU
import TernEngine
import TernPlanning

/// What some tokens do to ranks that compute them.
enum Fault: Int32 {
    /// Touch memory that is not theirs.
    case crash = 299
    /// Ask for more memory than there is.
    case allocation = 298
    /// Never come back.
    case hang = 297

    func strike() {
        switch self {
        case .crash: UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        case .allocation:
            UnsafeMutableRawPointer.allocate(byteCount: 1 << 46, alignment: 1 << 20)
                .initializeMemory(as: UInt8.self, repeating: 1, count: 1 << 46)
        case .hang: while true { sleep(1000) }
        }
    }
}

@main
enum FaultyRanks {
    /// The words: the model's folder, the parent's number, the cache's bytes, milliseconds of a
    /// step's deadline.
    static func main() throws {
        let words = CommandLine.arguments.dropFirst(2).map { $0 }
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard numbers.count == 3 else { exit(2) }
        var configuration = EngineConfiguration(folder: words[0])
        configuration.maxModelLength = 256
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = 64
        configuration.cacheBytes = numbers[1]
        configuration.stepDeadline = .milliseconds(numbers[2])
        let hardware = EngineHardware(freeBytes: 1 << 30, spin: .zero) { _, _ in
            try CPUBackend(processors: [0], pins: false)
        }
        try RankService.run(configuration, on: hardware, parent: Int32(numbers[0])) { plan in
            for token in plan.spans.flatMap(\.tokens) { Fault(rawValue: token.rawValue)?.strike() }
        }
    }
}
