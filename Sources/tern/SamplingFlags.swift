// How `tern generate` draws: the flags of sampling, read before a model is loaded, and what they make
// of the model's own parameters.

import TernEngine
import TernPlanning

/// What the command line says of sampling.
struct SamplingFlags {
    /// Their section of a command's help.
    static let section: (title: String, options: [Option]) = (
        "Sampling",
        [
            Option(
                "--temperature", value: "T",
                help: "0 takes the best token (default, unless the model says do_sample)"),
            Option("--top-p", value: "P", help: "fewest tokens with this probability"),
            Option("--top-k", value: "K", help: "this many best tokens"),
            Option("--min-p", value: "P", help: "at least this likely beside the best"),
            Option(
                "--repetition-penalty", value: "R",
                help: "divides what prompt or text hold already (1)"),
            Option(
                "--presence-penalty", value: "P",
                help: "subtracted from what the text holds already (0)"),
            Option(
                "--frequency-penalty", value: "P",
                help: "subtracted from it as often as the text holds it (0)"),
            Option(
                "--logit-bias", value: "1:2.5,2:-100",
                help: "added to the logits of tokens, from -100 to 100"),
            Option("--bad-words", value: "TEXT", help: "must not be generated; repeatable"),
            Option("--allowed-token-ids", value: "1,2", help: "no other token is generated"),
        ]
    )

    private let minTokens, topK, logprobs, promptLogprobs: Int?
    private let temperature, topP, minP: Float?
    private let repetitionPenalty, presencePenalty, frequencyPenalty: Float?
    private let logitBias: [TokenID: Float]
    private let badWords: [String]
    private let allowedTokenIDs: [TokenID]?
    private let ignoresEOS: Bool

    /// Throws: `UsageError` for what is no value of its flag; ranges are the parameters' to check.
    init(_ arguments: Arguments) throws(UsageError) {
        func number(_ name: String) throws(UsageError) -> Float? {
            try arguments.number(name).map { Float($0) }
        }
        minTokens = try arguments.integer("--min-tokens", in: 0 ... .max)
        topK = try arguments.integer("--top-k", in: -1 ... .max)
        logprobs = try arguments.integer("--logprobs", in: 0...1000)
        promptLogprobs = try arguments.integer("--prompt-logprobs", in: 0...1000)
        temperature = try number("--temperature")
        topP = try number("--top-p")
        minP = try number("--min-p")
        repetitionPenalty = try number("--repetition-penalty")
        presencePenalty = try number("--presence-penalty")
        frequencyPenalty = try number("--frequency-penalty")
        logitBias = try Self.biases(arguments, "--logit-bias")
        _ = try arguments.filled("--bad-words")
        badWords = arguments.texts("--bad-words")
        allowedTokenIDs =
            arguments.has("--allowed-token-ids")
            ? try tokenList(arguments, "--allowed-token-ids") : nil
        ignoresEOS = arguments.has("--ignore-eos")
    }

    /// Sets what was given; the rest stays. Bad words are not among it, for they need a tokenizer.
    func apply(to parameters: inout SamplingParameters) {
        parameters.minTokens = minTokens ?? parameters.minTokens
        parameters.topK = max(0, topK ?? parameters.topK)
        parameters.logprobs = logprobs
        parameters.promptLogprobs = promptLogprobs
        parameters.temperature = temperature ?? parameters.temperature
        parameters.topP = topP ?? parameters.topP
        parameters.minP = minP ?? parameters.minP
        parameters.ignoreEOS = ignoresEOS
        var adjustments = parameters.adjustments
        adjustments.repetitionPenalty = repetitionPenalty ?? adjustments.repetitionPenalty
        adjustments.presencePenalty = presencePenalty ?? adjustments.presencePenalty
        adjustments.frequencyPenalty = frequencyPenalty ?? adjustments.frequencyPenalty
        adjustments.logitBias = logitBias
        adjustments.allowedTokenIDs = allowedTokenIDs
        parameters.adjustments = adjustments
    }

    /// The bad words in tokens.
    func badWords(_ engine: Engine) throws -> [[TokenID]] {
        try BadWords.tokens(of: badWords) {
            try engine.tokenizer.encode($0, addSpecialTokens: false).map { TokenID($0) }
        }
    }

    private static func biases(
        _ arguments: Arguments, _ name: String
    ) throws(UsageError) -> [TokenID: Float] {
        guard let text = arguments.text(name) else { return [:] }
        var biases: [TokenID: Float] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let id = Int32(parts[0]), id >= 0, let bias = Float(parts[1])
            else {
                throw UsageError(
                    "\(name) is \(text); it must be token ids with biases: 1:2.5,2:-100")
            }
            biases[TokenID(id)] = bias
        }
        return biases
    }
}
