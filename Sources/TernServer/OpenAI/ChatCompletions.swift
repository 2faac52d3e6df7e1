// Station 1 of the walk: `POST /v1/chat/completions`, from JSON to a GenerationCall, and its
// results back to JSON. It generates nothing: API starts what does.
//
// Source: OpenAI API reference, "Create chat completion" and "Streaming"; vLLM's extra fields.

import TernEngine
import TernJSON
import TernPlanning

/// Reads chat requests.
enum ChatCompletions {
    /// What a request asks for.
    static func call(_ fields: RequestFields, model: ServedModel) throws(APIError) -> GenerationCall
    {
        let name = try model.name(in: fields)
        let conversation = try Conversation(fields)
        let maxTokens = try fields.integer("max_tokens", atLeast: 1)
        let stream = try StreamFields(fields)
        let promptLogprobs = try SamplingFields.promptLogprobs(fields, stream)
        var sampling = try SamplingFields(
            fields, logprobs: try logprobs(fields), promptLogprobs: promptLogprobs,
            maxTokens: try fields.integer("max_completion_tokens", atLeast: 1) ?? maxTokens,
            vocabularySize: model.generator.vocabularySize)
        let tools = try ToolFields(fields, family: model.generator.toolCallFamily)
        sampling.grammar = try grammar(fields, tools, model)
        let request = try sampling.request(
            for: try model.tokens(of: conversation, tools: tools.tools), of: model.generator,
            promptField: "messages",
            defaultMaxTokens: nil)
        return GenerationCall(
            model: name, prompts: [request], wishes: PromptWishes(logprobs: promptLogprobs),
            toolCalls: tools.format, streams: stream.streams,
            includesUsage: stream.includesUsage,
            tellsUsageContinuously: stream.tellsUsageContinuously)
    }

    /// What the text is kept to: the form of a reply, or that of calls.
    private static func grammar(
        _ fields: RequestFields, _ tools: ToolFields, _ model: ServedModel
    ) throws(APIError) -> GrammarSource? {
        let grammar = try ResponseFormatFields.grammar(fields, model.generator)
        guard let format = tools.format else { return grammar }
        guard grammar == nil else {
            throw .field(
                "response_format", found: "a form of the text beside tools",
                expected: "one of them, or tool_choice none")
        }
        do {
            return try model.generator.grammar(format.form)
        } catch {
            throw .grammar(error, "tools")
        }
    }

    private static func logprobs(_ fields: RequestFields) throws(APIError) -> Int? {
        let wants = try fields.bool("logprobs") ?? false
        let top = try fields.integer("top_logprobs", in: 0...RequestLimits.logprobs)
        guard wants || (top ?? 0) == 0 else {
            throw .field(
                "top_logprobs", found: "\(top ?? 0) without logprobs",
                expected: "top_logprobs only where logprobs is true")
        }
        return wants ? top ?? 0 : nil
    }
}

/// The objects of the chat endpoint.
struct ChatShape: ReplyShape {
    let idPrefix = "chatcmpl-"
    let object = "chat.completion"
    let chunkObject = "chat.completion.chunk"

    func choice(_ index: Int, _ choice: ChoiceResult, _ writer: LogprobWriter) -> JSON {
        var message = JSONObject([
            ("role", "assistant"), ("content", .string(choice.text)), ("refusal", nil),
        ])
        let calls = choice.toolCalls?.calls ?? []
        if !calls.isEmpty {
            if choice.text.isEmpty { message["content"] = .null }
            message["tool_calls"] = .array(calls.map(\.json))
        }
        return [
            "index": .integer(index), "message": .object(message),
            "logprobs": choice.hasLogprobs ? writer.chat(choice.tokens) : nil,
            "finish_reason": choice.finishReason,
        ]
    }

    func members(_ prompt: PromptReply?, _ writer: LogprobWriter) -> JSONObject {
        JSONObject(prompt.flatMap(writer.prompt).map { [("prompt_logprobs", $0)] } ?? [])
    }

    func chunks(_ index: Int, _ piece: ChoicePiece, _ writer: LogprobWriter) -> [JSON] {
        var chunks: [JSON] = []
        if piece.isFirst {
            chunks.append(chunk(index, ["role": "assistant", "content": ""], nil, nil))
        }
        // What ends a choice by itself is no token of the message.
        let isToken = !piece.tokens.isEmpty && (piece.hasLogprobs || piece.finish != .stop)
        let tells = !piece.text.isEmpty || isToken
        let logprobs = piece.hasLogprobs ? writer.chat(piece.tokens) : nil
        guard let parts = piece.parts else {
            if tells || piece.finish != nil {
                let delta: JSON = tells ? ["content": .string(piece.text)] : [:]
                chunks.append(chunk(index, delta, logprobs, piece.finishReason))
            }
            return chunks
        }
        // The logprobs stand with the first part, the end stands alone.
        var deltas = parts.map(\.delta)
        if deltas.isEmpty && piece.hasLogprobs && !piece.tokens.isEmpty { deltas = [[:]] }
        for (place, delta) in deltas.enumerated() {
            chunks.append(chunk(index, delta, place == 0 ? logprobs : nil, nil))
        }
        if piece.finish != nil { chunks.append(chunk(index, [:], nil, piece.finishReason)) }
        return chunks
    }

    private func chunk(_ index: Int, _ delta: JSON, _ logprobs: JSON, _ finish: JSON) -> JSON {
        ["index": .integer(index), "delta": delta, "logprobs": logprobs, "finish_reason": finish]
    }
}
