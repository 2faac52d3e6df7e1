// `tern run-batch`: a file of requests in, a file of answers out, in the form of OpenAI's batches.
// What happens to a line is TernServer's.

import TernEngine
import TernServer

/// Answers a file of requests.
enum RunBatch {
    static let command = Command(
        name: "run-batch",
        summary: """
            Answer every request of a file of JSON lines, and go on where a killed run stopped.

            A line of IN is {"custom_id": "…", "method": "POST", "url": "/v1/chat/completions",
            "body": {…}}, or with the url "/v1/completions". Lines of OUT come as they are complete, in
            any order. Lines that OUT holds already are not computed again.
            """,
        positionals: ["[IN]", "[OUT]", "[MODEL]"],
        sections: [
            (
                "Batch",
                [
                    Option("--input-file", "-i", value: "IN", help: "in place of the first word"),
                    Option("--output-file", "-o", value: "OUT", help: "in place of the second"),
                    Option("--model", value: "MODEL", help: "in place of the last"),
                    Option(
                        "--served-model-name", value: "NAME",
                        help:
                            "the model's name in requests; repeatable (default: the folder's or file's)"
                    ),
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        var words = arguments.positionals[...]
        func place(_ flag: String, _ name: String) throws(UsageError) -> String {
            if let value = try arguments.filled(flag) { return value }
            guard let word = words.popFirst() else {
                throw UsageError("tern run-batch needs \(name): a word or \(flag)")
            }
            return word
        }
        let input = try place("--input-file", "IN")
        let output = try place("--output-file", "OUT")
        let folder = try place("--model", "MODEL")
        if let word = words.first {
            throw UsageError("tern run-batch takes IN, OUT and MODEL, found \(word) beside them")
        }
        _ = try arguments.filled("--served-model-name")
        let configuration = try EngineFlags.configuration(arguments, folder: folder)
        let batch = try OfflineBatch(input: input, output: output)
        let resumed = batch.progress.resumed
        if resumed > 0 { Console.note("going on after \(resumed) answers") }
        if batch.progress.share < 1 {
            let engine = try EngineFlags.start(configuration, arguments, isQuiet: false)
            let bar = ProgressBar(title: "answering")
            try batch.run(on: engine, modelNames: names(arguments, folder)) {
                bar.show($0.share, "\($0.resumed + $0.answered) of \($0.requests)")
            }
            try engine.stop()
        }
        let progress = batch.progress
        Console.note(
            "\(progress.answered) answers written, \(progress.refused) of them errors, to \(output)"
        )
    }

    /// The names that requests may use: those given, or the one that a server gives and the folder as
    /// it was named.
    private static func names(_ arguments: Arguments, _ folder: String) -> [String] {
        let names = arguments.texts("--served-model-name")
        return names.isEmpty ? [EngineFlags.modelName(of: folder), folder] : names
    }
}
