// `tern bench perplexity`: how well a model foretells a text. The scores are the engine's prompt
// logprobs, so every flag that changes how an engine computes is measured as it serves.

import TernBench
import TernEngine
import TernJSON
import TernPlanning

/// Scores a text, window by window.
enum BenchPerplexity {
    static let command = Command(
        name: "bench perplexity",
        summary: "Measure how well a model foretells a text: the cost of a precision, in numbers.",
        positionals: ["MODEL", "FILE"],
        sections: [
            (
                "Windows",
                [
                    Option(
                        "--max-length", value: "N",
                        help: "tokens of a window (2048, or what the model and the memory allow)"),
                    Option(
                        "--stride", value: "N",
                        help: "tokens from one window to the next (half a window)"),
                    Option("--json", help: "print one JSON object"), Arguments.thresholds,
                ]
            ), EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static let usualLength = 2048

    private static func run(_ arguments: Arguments) throws {
        let length = try arguments.integer("--max-length", in: 2...1 << 20)
        let stride = try arguments.integer("--stride", in: 1...1 << 20)
        let printsJSON = arguments.has("--json")
        let thresholds = try arguments.thresholds()
        var configuration = try EngineFlags.configuration(arguments)
        configuration.enablesPrefixCaching = false
        // Read before the model: a wrong name should not cost a load.
        let path = arguments.positionals[1]
        let text = try self.text(path)
        let engine = try EngineFlags.start(configuration, arguments, isQuiet: printsJSON)
        let tokens = try engine.tokenizer.encode(utf8: text).map { TokenID($0) }
        let (window, step) = try windowSizes(length, stride, engine)
        let windows = PerplexityWindow.windows(
            over: tokens.count, length: window, stride: step)
        guard !windows.isEmpty else {
            throw UsageError("\(path): \(tokens.count) tokens, expected at least 2 to score one")
        }
        let nats = try score(windows, of: tokens, engine)
        let report = PerplexityReport(
            windows: windows.count, scoredTokens: windows.reduce(0) { $0 + $1.scored.count },
            textTokens: try engine.tokenizer.encode(utf8: text, addSpecialTokens: false).count,
            textBytes: text.count, nats: nats)
        try engine.stop()
        let json = report.json(length: window, stride: step)
        Console.write(printsJSON ? json.text() + "\n" : report.table(length: window, stride: step))
        try thresholds?.check(json)
    }

    private static func text(_ path: String) throws(UsageError) -> [UInt8] {
        let text: [UInt8]
        do { text = try FileContent.bytes(of: path) } catch {
            throw UsageError("\(path) \(error.reason)")
        }
        guard !text.isEmpty else { throw UsageError("\(path) is empty, expected a text") }
        do { _ = try UTF8Span(validating: text.span) } catch {
            throw UsageError(
                "\(path) is not UTF-8: byte \(error.byteOffsets.lowerBound); convert it to UTF-8")
        }
        return text
    }

    /// The flags' sizes, within what the engine can compute: it draws a token after each window.
    private static func windowSizes(
        _ length: Int?, _ stride: Int?, _ engine: Engine
    ) throws(UsageError) -> (length: Int, stride: Int) {
        let most = engine.maxModelLength - 1
        let window = length ?? min(most, usualLength)
        guard (2...max(most, 2)).contains(window) else {
            throw UsageError(
                "--max-length is \(window); it must be from 2 to \(most), one less than the tokens "
                    + "that a sequence can have")
        }
        let step = stride ?? (window + 1) / 2
        guard step <= window else {
            throw UsageError(
                "--stride is \(step); it must be at most the window's \(window) tokens")
        }
        return (window, step)
    }

    /// The negative logprobs of all tokens that count, summed in the text's order whatever order
    /// the windows end in.
    private static func score(
        _ windows: [PerplexityWindow], of tokens: [TokenID], _ engine: Engine
    ) throws -> Double {
        var parameters = engine.defaultParameters(maxTokens: 1)
        parameters.temperature = 0
        parameters.promptLogprobs = 0
        let requests = windows.map {
            GenerationRequest(prompt: Array(tokens[$0.tokens]), parameters: parameters)
        }
        let bar = ProgressBar(title: "scoring")
        bar.show(0)
        var sums = [Double](repeating: 0, count: windows.count)
        var done = 0
        try engine.generate(requests) { index, output in
            guard let scores = output.promptScores else { return }
            // The first score is of the window's second token.
            let counted = scores.suffix(windows[index].scored.count)
            sums[index] = counted.reduce(0) { $0 - Double($1.logprob) }
            done += 1
            bar.show(Double(done) / Double(windows.count))
        }
        precondition(done == windows.count, "\(done) windows scored, expected \(windows.count)")
        return sums.reduce(0, +)
    }
}

extension PerplexityReport {
    fileprivate func json(length: Int, stride: Int) -> JSON {
        [
            "max_length": .integer(length), "stride": .integer(stride),
            "windows": .integer(windows), "scored_tokens": .integer(scoredTokens),
            "text_tokens": .integer(textTokens), "text_bytes": .integer(textBytes),
            "nats_per_token": .number(natsPerToken), "perplexity": .number(perplexity),
            "bits_per_byte": .number(bitsPerByte),
        ]
    }

    fileprivate func table(length: Int, stride: Int) -> String {
        """
        \(textBytes) bytes, \(textTokens) tokens; \(windows) windows of \(length), \
        a stride of \(stride): \(scoredTokens) tokens scored
          perplexity  \(perplexity.text(decimals: 4))   \
        \(natsPerToken.text(decimals: 5)) nats a token, \
        \(bitsPerByte.text(decimals: 5)) bits a byte

        """
    }
}
