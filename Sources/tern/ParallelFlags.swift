// The flags that lay ranks out and say when they shift, under the names of vLLM and Arctic Inference.

import TernEngine
import TernPlanning

/// Options that describe the ranks of an engine.
enum ParallelFlags {
    static let section: (title: String, options: [Option]) = (
        "Parallelism",
        [
            Option(
                "--tensor-parallel-size", "-tp", value: "N", help: "ranks that split weights (1)"),
            Option(
                "--ulysses-sequence-parallel-size", "-sp", value: "N",
                help:
                    "ranks that split the tokens of large steps, and the weights of small ones (1)"
            ),
            Option(
                "--pipeline-parallel-size", "-pp", value: "N", help: "ranks that split layers (1)"),
            Option(
                "--data-parallel-size", "-dp", value: "N",
                help: "replicas with a scheduler and a cache of their own (1)"),
            Option(
                "--enable-expert-parallel",
                help: "divide a mixture's experts among ranks, instead of splitting each"),
            Option(
                "--expert-parallel-group", value: "dp-tp|dp-sp-tp",
                help: "the ranks that divide them (dp-sp-tp)"),
            Option("--enable-shift-parallel", help: "split weights in small steps (default)"),
            Option("--no-enable-shift-parallel", help: "split tokens in every step"),
            Option(
                "--shift-parallel-threshold", value: "auto|N",
                help: "most tokens of a step that splits weights (auto: measured at start)"),
            Option(
                "--parallel-mode", value: "auto|sequence|tensor",
                help: "one mode for every step, for measurement (auto)"),
        ]
    )

    /// The topology that the flags describe.
    static func topology(_ arguments: Arguments) throws(UsageError) -> Topology {
        func size(_ name: String) throws(UsageError) -> Int {
            try arguments.integer(name, in: 1...64) ?? 1
        }
        return Topology(
            data: try size("--data-parallel-size"),
            pipeline: try size("--pipeline-parallel-size"),
            sequence: try size("--ulysses-sequence-parallel-size"),
            tensor: try size("--tensor-parallel-size"),
            expertGroup: try expertGroup(arguments))
    }

    /// The ranks that share the experts; nil where each expert is split.
    private static func expertGroup(_ arguments: Arguments) throws(UsageError) -> ExpertGroup? {
        let name = arguments.text("--expert-parallel-group")
        guard arguments.has("--enable-expert-parallel") else {
            guard name == nil else {
                throw UsageError(
                    "--expert-parallel-group needs --enable-expert-parallel; give both or neither")
            }
            return nil
        }
        guard let name else { return .dataSequenceTensor }
        guard let group = ExpertGroup(rawValue: name) else {
            let names = ExpertGroup.allCases.map(\.rawValue).joined(separator: " or ")
            throw UsageError("--expert-parallel-group is \(name); it must be \(names)")
        }
        return group
    }

    /// When the ranks shift.
    static func shift(_ arguments: Arguments) throws(UsageError) -> ShiftRule {
        if let name = arguments.text("--parallel-mode"), name != "auto" {
            guard let mode = ParallelMode(rawValue: name) else {
                throw UsageError("--parallel-mode is \(name); it must be auto, sequence or tensor")
            }
            return .given(ShiftPolicy(.pinned(mode)))
        }
        if arguments.has("--no-enable-shift-parallel") {
            return .given(ShiftPolicy(.pinned(.sequence)))
        }
        guard let text = arguments.text("--shift-parallel-threshold"), text != "auto" else {
            return .automatic
        }
        guard let threshold = Int(text), threshold >= 0 else {
            throw UsageError(
                "--shift-parallel-threshold is \(text); it must be auto or a number of tokens")
        }
        return .given(ShiftPolicy(.threshold(threshold)))
    }
}
