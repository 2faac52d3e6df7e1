// The process of the ranks, which `serve` starts and watches: the same model and engine flags, and plans
// in place of requests.

import Glibc
import TernEngine
import TernPlanning

/// Runs ranks for a server.
enum HostRanks {
    static let command = Command(
        name: "host-ranks", summary: "Run the ranks of a server, which starts this itself.",
        positionals: ["MODEL", "PARENT"], sections: [EngineFlags.section, ParallelFlags.section],
        run: run)

    private static func run(_ arguments: Arguments) throws {
        let configuration = try EngineFlags.configuration(arguments)
        guard let parent = Int32(arguments.positionals[1]) else {
            throw UsageError("PARENT is \(arguments.positionals[1]); it must be a process")
        }
        try RankService.run(
            configuration, on: Hardware(arguments, configuration.topology).engine, parent: parent)
    }

    /// The command line that runs the ranks of a model under the same flags. A restart keeps the
    /// memory, the length and the threshold of the first start.
    static func command(for arguments: Arguments) -> RankCommand {
        let flags = arguments.words(of: EngineFlags.section.options + ParallelFlags.section.options)
        let model = arguments.positionals[0]
        return RankCommand { summary in
            var words = ["host-ranks", model, "\(getpid())"] + flags
            if let memory = summary?.memory {
                words += ["--kv-cache-memory-bytes", "\(memory.cacheBytes)"]
                words += ["--max-model-len", "\(memory.maxModelLength)"]
            }
            if let fit = summary?.shiftFit {
                words += ["--shift-parallel-threshold", "\(fit.threshold)"]
            }
            return words
        }
    }
}
