// Station 1 of the walk: `POST /v1/completions`, from JSON to a GenerationCall, and its results
// back to JSON. It generates nothing: API starts what does.
//
// Source: OpenAI API reference, "Create completion" (legacy); vLLM's extra fields.

import TernEngine
import TernJSON
import TernPlanning

/// Reads completion requests.
enum Completions {
    /// What OpenAI takes when max_tokens is left out.
    private static let defaultMaxTokens = 16

    /// What a request asks for.
    static func call(_ fields: RequestFields, model: ServedModel) throws(APIError) -> GenerationCall
    {
        let name = try model.name(in: fields)
        let stream = try StreamFields(fields)
        let echoes = try fields.bool("echo") ?? false
        let logprobs = try fields.integer("logprobs", in: 0...RequestLimits.logprobs)
        let maxTokens = try fields.integer("max_tokens", atLeast: echoes ? 0 : 1)
        let promptLogprobs = try SamplingFields.promptLogprobs(fields, stream)
        var sampling = try SamplingFields(
            fields, logprobs: logprobs,
            promptLogprobs: [promptLogprobs, echoes ? logprobs : nil].compactMap { $0 }.max(),
            // The engine draws a token in any case.
            maxTokens: maxTokens.map { max(1, $0) },
            vocabularySize: model.generator.vocabularySize, echoes: true)
        sampling.grammar = try ResponseFormatFields.grammar(fields, model.generator)
        var call = GenerationCall(
            model: name, prompts: [], streams: stream.streams,
            includesUsage: stream.includesUsage,
            tellsUsageContinuously: stream.tellsUsageContinuously)
        call.wishes = PromptWishes(
            echoes: echoes ? [] : nil, logprobs: promptLogprobs, endsThere: maxTokens == 0)
        let prompts = try prompts(fields)
        guard prompts.count * sampling.choices <= RequestLimits.choicesOfAllPrompts else {
            throw .field(
                "n", found: "\(sampling.choices) for each of \(prompts.count) prompts",
                expected: "at most \(RequestLimits.choicesOfAllPrompts) choices in one request")
        }
        let addSpecialTokens = try fields.bool("add_special_tokens") ?? true
        for prompt in prompts {
            let tokens = try tokens(of: prompt, addSpecialTokens, model)
            call.prompts.append(
                try sampling.request(
                    for: tokens, of: model.generator, promptField: "prompt",
                    defaultMaxTokens: defaultMaxTokens))
            if echoes { call.wishes.echoes?.append(try text(of: prompt, tokens, model)) }
        }
        return call
    }

    /// The text that `echo` tells again.
    private static func text(
        of prompt: JSON, _ tokens: [TokenID], _ model: ServedModel
    ) throws(APIError) -> String {
        if let text = prompt.string { return text }
        do {
            return try model.generator.text(of: tokens)
        } catch {
            throw APIError(
                .badRequest, "prompt: \(error)", parameter: "prompt", code: "invalid_value")
        }
    }

    /// The prompts of a request: each a string or a list of ids.
    private static func prompts(_ fields: RequestFields) throws(APIError) -> [JSON] {
        let expected = "a string, a list of strings, a list of token ids or a list of such lists"
        guard let value = fields["prompt"] else {
            throw .field("prompt", found: "nothing", expected: expected)
        }
        if value.string != nil { return [value] }
        guard let list = value.array, let first = list.first else {
            throw .field(
                "prompt", found: value.array == nil ? value.shortText : "an empty list",
                expected: expected)
        }
        if first.integer != nil { return [value] }
        let isListOfTexts = first.string != nil
        for prompt in list where isListOfTexts ? prompt.string == nil : prompt.array == nil {
            throw .field("prompt", found: "\(prompt.kind) in the list", expected: expected)
        }
        guard list.count <= RequestLimits.prompts else {
            throw .field(
                "prompt", found: "\(list.count) prompts",
                expected: "at most \(RequestLimits.prompts)")
        }
        return list
    }

    private static func tokens(
        of prompt: JSON, _ addSpecialTokens: Bool, _ model: ServedModel
    ) throws(APIError) -> [TokenID] {
        if let text = prompt.string {
            return try model.tokens(of: text, addSpecialTokens: addSpecialTokens, field: "prompt")
        }
        return try SamplingFields.tokens(
            prompt, "prompt", atMost: Int.max, vocabularySize: model.generator.vocabularySize)
    }
}

/// The objects of the completion endpoint.
struct CompletionShape: ReplyShape {
    let idPrefix = "cmpl-"
    let object = "text_completion"
    let chunkObject = "text_completion"

    func members(_ prompt: PromptReply?, _ writer: LogprobWriter) -> JSONObject { JSONObject() }

    func choice(_ index: Int, _ choice: ChoiceResult, _ writer: LogprobWriter) -> JSON {
        let echoed = choice.prompt?.echo == nil ? nil : choice.prompt
        let logprobs =
            choice.hasLogprobs
            ? writer.completion(choice.tokens, offset: 0, after: echoed) : nil
        let text = (echoed?.echo ?? "") + choice.text
        let prompt = choice.prompt.flatMap(writer.prompt)
        return json(index, text, logprobs, choice.finishReason, prompt)
    }

    func chunks(_ index: Int, _ piece: ChoicePiece, _ writer: LogprobWriter) -> [JSON] {
        let text = (piece.prompt?.echo ?? "") + piece.text
        let tells = !text.isEmpty || piece.prompt != nil || !piece.tokens.isEmpty
        guard tells || piece.finish != nil else { return [] }
        let logprobs =
            piece.hasLogprobs
            ? writer.completion(piece.tokens, offset: piece.offset, after: piece.prompt) : nil
        return [json(index, text, logprobs, piece.finishReason, nil)]
    }

    private func json(
        _ index: Int, _ text: String, _ logprobs: JSON?, _ finish: JSON, _ prompt: JSON?
    ) -> JSON {
        var object = JSONObject([
            ("index", .integer(index)), ("text", .string(text)), ("logprobs", logprobs ?? .null),
            ("finish_reason", finish),
        ])
        object["prompt_logprobs"] = prompt
        return .object(object)
    }
}
