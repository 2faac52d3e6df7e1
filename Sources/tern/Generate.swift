// `tern generate`: one prompt, its continuation on standard output, as text or as one JSON object.

import TernEngine
import TernJSON
import TernPlanning

/// Continues a prompt.
enum Generate {
    static let command = Command(
        name: "generate", summary: "Continue a prompt and print the text as it comes.",
        positionals: ["MODEL"],
        sections: [
            (
                "Prompt (one of)",
                [
                    Option("--prompt", value: "TEXT", help: "a text to go on from"),
                    Option("--prompt-token-ids", value: "1,2,3", help: "the same in tokens"),
                    Option("--chat", value: "TEXT", help: "a user's message, in the chat template"),
                ]
            ),
            (
                "Output",
                [
                    Option("--max-tokens", value: "N", help: "most tokens to generate (256)"),
                    Option("--min-tokens", value: "N", help: "fewest tokens before a stop (0)"),
                    Option(
                        "--logprobs", value: "K",
                        help: "with --json: logprobs and K alternatives of each token"),
                    Option(
                        "--prompt-logprobs", value: "K",
                        help: "with --json: the same of the prompt's tokens"),
                    Option("--ignore-eos", help: "go on after end-of-sequence tokens"),
                    Option("--stop", value: "TEXT", help: "ends the text before it; repeatable"),
                    Option("--stop-token-ids", value: "1,2", help: "tokens that end the text"),
                    Option("--json", help: "print one JSON object at the end"),
                ]
            ), SamplingFlags.section, EngineFlags.section, ParallelFlags.section,
        ], run: run)

    private static func run(_ arguments: Arguments) throws {
        let printsJSON = arguments.has("--json")
        var configuration = try EngineFlags.configuration(arguments)
        let prompt = try PromptChoice(arguments)
        configuration.requiresTokenizer = prompt.isText || arguments.has("--bad-words")
        let ids = try tokenList(arguments, "--stop-token-ids")
        let maxTokens = try arguments.integer("--max-tokens", in: 1 ... .max) ?? 256
        _ = try arguments.filled("--stop")
        let overrides = try SamplingFlags(arguments)
        var probe = SamplingParameters(seed: 0, maxTokens: maxTokens)
        overrides.apply(to: &probe)
        try probe.validate()
        let engine = try EngineFlags.start(configuration, arguments, isQuiet: printsJSON)
        var parameters = engine.defaultParameters(maxTokens: maxTokens)
        if engine.samplingDefaults.samples != true { parameters.temperature = 0 }
        overrides.apply(to: &parameters)
        parameters.adjustments.badWords = try overrides.badWords(engine)
        parameters.stopTokenIDs = ids
        var request = GenerationRequest(
            prompt: try prompt.tokens(engine), parameters: parameters)
        request.stopStrings = arguments.texts("--stop")
        try printOutput(of: request, engine, asJSON: printsJSON)
        try engine.stop()
    }

    private static func printOutput(
        of request: GenerationRequest, _ engine: Engine, asJSON: Bool
    ) throws {
        var text = ""
        var tokens: [GeneratedToken] = []
        var scores: [ScoredToken] = []
        try engine.generate([request]) { _, output in
            if asJSON { text += output.text } else { Console.write(output.text) }
            tokens += output.tokens
            scores += output.promptScores ?? []
            guard let finish = output.finish else { return }
            guard asJSON else {
                Console.write("\n")
                return
            }
            var object = JSONObject([
                ("prompt_token_ids", ids(request.prompt)),
                ("token_ids", ids(tokens.map(\.token))), ("text", .string(text)),
                ("finish_reason", .string(finish.rawValue)),
                (
                    "logprobs",
                    request.parameters.logprobs == nil ? .null : .array(tokens.map(logprobs))
                ),
            ])
            if request.parameters.promptLogprobs != nil {
                object["prompt_logprobs"] = .array([.null] + scores.map(logprobs))
            }
            Console.write(JSON.object(object).text() + "\n")
        }
    }

    private static func ids(_ tokens: [TokenID]) -> JSON {
        .array(tokens.map { .integer(Int($0.rawValue)) })
    }

    private static func logprobs(_ token: GeneratedToken) -> JSON {
        .object(
            JSONObject(
                entry(token.token, token.logprob ?? 0) + [("top", entries(token.top))]))
    }

    private static func logprobs(_ token: ScoredToken) -> JSON {
        .object(
            JSONObject(
                entry(token.token, token.logprob)
                    + [("rank", .integer(token.rank)), ("top", entries(token.top))]))
    }

    private static func entries(_ tokens: [TokenLogprob]) -> JSON {
        .array(tokens.map { .object(JSONObject(entry($0.token, $0.logprob))) })
    }

    private static func entry(_ token: TokenID, _ logprob: Float) -> [JSONObject.Member] {
        [("token_id", .integer(Int(token.rawValue))), ("logprob", .number(Double(logprob)))]
    }
}

/// A list of token ids on the command line.
func tokenList(_ arguments: Arguments, _ name: String) throws(UsageError) -> [TokenID] {
    guard let text = arguments.text(name) else { return [] }
    var ids: [TokenID] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let id = Int32(word.filter { $0 != " " }), id >= 0 else {
            throw UsageError("\(name) is \(text); it must be token ids between commas: 1,2,3")
        }
        ids.append(TokenID(id))
    }
    return ids
}

/// The one way in which the prompt was given.
private enum PromptChoice {
    case text(String)
    case tokens([TokenID])
    case chat(String)

    init(_ arguments: Arguments) throws(UsageError) {
        let given = ["--prompt", "--prompt-token-ids", "--chat"].filter(arguments.has)
        guard given.count == 1 else {
            let found = given.isEmpty ? "none" : given.joined(separator: " and ")
            throw UsageError(
                "one of --prompt, --prompt-token-ids and --chat must be given, found \(found)")
        }
        if let text = arguments.text("--prompt") {
            self = .text(text)
        } else if let text = arguments.text("--chat") {
            self = .chat(text)
        } else {
            self = .tokens(try tokenList(arguments, "--prompt-token-ids"))
        }
    }

    /// Whether a tokenizer is needed.
    var isText: Bool {
        switch self {
        case .text, .chat: true
        case .tokens: false
        }
    }

    func tokens(_ engine: Engine) throws -> [TokenID] {
        switch self {
        case .text(let text): try engine.tokenizer.encode(text).map { TokenID($0) }
        case .tokens(let tokens): tokens
        case .chat(let text):
            try engine.chatPrompt(messages: [["role": "user", "content": .string(text)]])
        }
    }
}
