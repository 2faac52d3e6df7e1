// The fields that both endpoints share: how tokens are drawn, when a choice ends, how the reply is
// told. Pure: from JSON to values, with the generator's defaults for what is left out.

import TernEngine
import TernJSON
import TernPlanning

/// The most that one request may ask for.
enum RequestLimits {
    static let choices = 128
    static let prompts = 1024
    static let choicesOfAllPrompts = 4096
    static let stopStrings = 4
    static let stopStringBytes = 1024
    static let stopTokens = 128
    static let logprobs = 20
    static let badWords = 128
    static let badWordBytes = 1024
}

/// Sampling and stopping as a request asks for them.
struct SamplingFields {
    var choices = 1
    var stopStrings: [String] = []
    var cacheSalt: String?
    /// What the text is kept to.
    var grammar: GrammarSource?
    /// Applied over the model's defaults.
    private let fields: RequestFields
    private let stopTokens: [TokenID]
    private let logprobs: Int?
    private let promptLogprobs: Int?
    private let maxTokens: Int?

    /// - logprobs: top alternatives asked for, read by the endpoint since each spells it its way.
    /// - promptLogprobs: the same of the prompt's tokens.
    /// - maxTokens: likewise.
    /// - echoes: whether the endpoint can tell the prompt again.
    init(
        _ fields: RequestFields, logprobs: Int?, promptLogprobs: Int?, maxTokens: Int?,
        vocabularySize: Int, echoes: Bool = false
    ) throws(APIError) {
        self.fields = fields
        self.logprobs = logprobs
        self.promptLogprobs = promptLogprobs
        self.maxTokens = maxTokens
        choices = try fields.integer("n", in: 1...RequestLimits.choices) ?? 1
        try UnsupportedFields.check(fields, choices: choices, echoes: echoes)
        stopStrings = try SamplingFields.stopStrings(fields)
        stopTokens = try SamplingFields.tokens(
            fields["stop_token_ids"] ?? [], "stop_token_ids", atMost: RequestLimits.stopTokens,
            vocabularySize: vocabularySize)
        cacheSalt = try fields.string("cache_salt")
    }

    /// The request for one prompt.
    ///
    /// Throws: where prompt and continuation do not fit the model, or a field is out of range.
    func request(
        for prompt: [TokenID], of generator: some Generator, promptField: String,
        defaultMaxTokens: Int?
    ) throws(APIError) -> GenerationRequest {
        let room = generator.maxModelLength - prompt.count
        guard !prompt.isEmpty else {
            throw .field(promptField, found: "no token at all", expected: "at least one token")
        }
        guard room >= 1, maxTokens ?? 1 <= room else {
            throw .contextExceeded(
                limit: generator.maxModelLength, prompt: prompt.count, completion: maxTokens,
                parameter: promptField)
        }
        var parameters = generator.defaultParameters(
            maxTokens: maxTokens ?? min(room, defaultMaxTokens ?? room))
        parameters.adjustments = try AdjustmentFields.read(
            fields, over: parameters.adjustments, generator)
        parameters.adjustments.grammar = grammar
        try apply(to: &parameters)
        var request = GenerationRequest(prompt: prompt, parameters: parameters)
        request.choices = choices
        request.stopStrings = stopStrings
        request.cacheSalt = cacheSalt
        return request
    }

    private func apply(to parameters: inout SamplingParameters) throws(APIError) {
        if let value = try fields.number("temperature", in: 0...2) {
            parameters.temperature = value
        }
        if let value = try fields.number("top_p", in: 0...1) { parameters.topP = value }
        if let value = try fields.integer("top_k", in: -1...Int(Int32.max)) {
            parameters.topK = max(0, value)  // -1 is another way to say all
        }
        if let value = try fields.number("min_p", in: 0...1) { parameters.minP = value }
        if let value = try fields.integer("seed", in: Int.min...Int.max) {
            parameters.seed = UInt64(bitPattern: Int64(value))
        }
        if let value = try fields.integer("min_tokens", atLeast: 0) { parameters.minTokens = value }
        if let value = try fields.bool("ignore_eos") { parameters.ignoreEOS = value }
        parameters.stopTokenIDs += stopTokens
        parameters.logprobs = logprobs
        parameters.promptLogprobs = promptLogprobs
        do {
            try parameters.validate()
        } catch {
            throw .field(error.parameter, found: error.found, expected: error.allowed)
        }
    }

    private static func stopStrings(_ fields: RequestFields) throws(APIError) -> [String] {
        guard let value = fields["stop"] else { return [] }
        let expected =
            "a string or at most \(RequestLimits.stopStrings) strings, "
            + "each of 1 to \(RequestLimits.stopStringBytes) bytes"
        let strings = value.string.map { [$0] } ?? value.array?.compactMap(\.string)
        guard let strings, value.array.map({ $0.count == strings.count }) ?? true else {
            throw .field("stop", found: value.shortText, expected: expected)
        }
        guard strings.count <= RequestLimits.stopStrings else {
            throw .field("stop", found: "\(strings.count) strings", expected: expected)
        }
        for text in strings where !(1...RequestLimits.stopStringBytes).contains(text.utf8.count) {
            throw .field("stop", found: "\(text.utf8.count) bytes", expected: expected)
        }
        return strings
    }

    /// How many alternatives `prompt_logprobs` asks for with each token of the prompt.
    static func promptLogprobs(
        _ fields: RequestFields, _ stream: StreamFields
    ) throws(APIError) -> Int? {
        let count = try fields.integer("prompt_logprobs", in: 0...RequestLimits.logprobs)
        if let count, stream.streams {
            throw .field(
                "prompt_logprobs", found: "\(count) with stream",
                expected: "prompt_logprobs only where stream is false")
        }
        return count
    }

    /// A list of token ids.
    static func tokens(
        _ value: JSON, _ name: String, atMost bound: Int, vocabularySize: Int
    ) throws(APIError) -> [TokenID] {
        guard let list = value.array else {
            throw .field(name, found: value.shortText, expected: "a list of token ids")
        }
        guard list.count <= bound else {
            throw .field(name, found: "\(list.count) token ids", expected: "at most \(bound)")
        }
        var tokens: [TokenID] = []
        tokens.reserveCapacity(list.count)
        for element in list {
            guard let id = element.integer, (0..<vocabularySize).contains(id) else {
                throw .field(
                    name, found: element.shortText,
                    expected: "token ids from 0 to \(vocabularySize - 1)")
            }
            tokens.append(TokenID(id))
        }
        return tokens
    }
}

/// How the reply is told.
struct StreamFields {
    let streams: Bool
    let includesUsage: Bool
    let tellsUsageContinuously: Bool

    init(_ fields: RequestFields) throws(APIError) {
        streams = try fields.bool("stream") ?? false
        guard let object = try fields.object("stream_options") else {
            includesUsage = false
            tellsUsageContinuously = false
            return
        }
        guard streams else {
            throw .field(
                "stream_options", found: "an object without stream",
                expected: "stream_options only where stream is true")
        }
        let options = RequestFields(object)
        includesUsage = try options.bool("include_usage") ?? false
        tellsUsageContinuously = try options.bool("continuous_usage_stats") ?? false
    }
}

extension APIError {
    /// Prompt and continuation are longer than the model's context.
    static func contextExceeded(
        limit: Int, prompt: Int, completion: Int?, parameter: String
    ) -> APIError {
        let found =
            completion.map {
                "you requested \(prompt + $0) tokens (\(prompt) in the \(parameter), "
                    + "\($0) in the completion)"
            } ?? "your \(parameter) resulted in \(prompt) tokens"
        return APIError(
            .badRequest,
            "This model's maximum context length is \(limit) tokens. However, \(found). "
                + "Please reduce the length of the \(parameter)"
                + (completion == nil ? "." : " or of the completion."),
            parameter: parameter, code: "context_length_exceeded")
    }
}
