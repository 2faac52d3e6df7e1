// `tern-counts`: figures of the engine that are counted, not timed, and so are nearly the same in every
// run and on every machine. Not part of what is shipped; `make bench-counts` runs it, the scheduler's
// part under callgrind too, and holds what it prints to thresholds.

import CAllocationCounter
import Glibc
import TernJSON

/// The command.
@main
enum Counts {
    private static let usage = """
        usage: tern-counts scheduler STEPS | engine MODEL
          scheduler  runs a fixed course of 64 sequences; prints allocations a step
          engine     runs a model on two ranks; prints what a step allocates and moves
        """
    private static let sequences = 64

    static func main() {
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            if words.count == 2, words[0] == "scheduler", let steps = Int(words[1]), steps > 0 {
                write(try scheduler(steps: steps))
            } else if words.count == 2, words[0] == "engine" {
                write(try EngineCounts.figures(model: words[1]))
            } else {
                say(usage)
                exit(2)
            }
        } catch {
            say("tern-counts: \(error)")
            exit(1)
        }
    }

    private static func scheduler(steps: Int) throws -> JSONObject {
        var scenario = SchedulerScenario(sequences: sequences)
        let before = (allocation_count(), allocated_bytes())
        try scenario.run(steps: steps)
        let (count, bytes) = (allocation_count() - before.0, allocated_bytes() - before.1)
        return JSONObject([
            ("allocations_per_step", .number(Double(count) / Double(steps))),
            ("allocated_bytes_per_step", .number(Double(bytes) / Double(steps))),
        ])
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // Where standard error is closed there is nobody to tell.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func write(_ figures: JSONObject) {
        print(JSON.object(figures).text())
    }
}
