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
        let sampling = try SamplingFields(
            fields, logprobs: try logprobs(fields), promptLogprobs: promptLogprobs,
            maxTokens: try fields.integer("max_completion_tokens", atLeast: 1) ?? maxTokens,
            vocabularySize: model.generator.vocabularySize)
        let request = try sampling.request(
            for: try model.tokens(of: conversation), of: model.generator, promptField: "messages",
            defaultMaxTokens: nil)
        return GenerationCall(
            model: name, prompts: [request], wishes: PromptWishes(logprobs: promptLogprobs),
            streams: stream.streams,
            includesUsage: stream.includesUsage,
            tellsUsageContinuously: stream.tellsUsageContinuously)
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
        [
            "index": .integer(index),
            "message": ["role": "assistant", "content": .string(choice.text), "refusal": nil],
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
        let tells = !piece.text.isEmpty || (piece.hasLogprobs && !piece.tokens.isEmpty)
        if tells || piece.finish != nil {
            chunks.append(
                chunk(
                    index, tells ? ["content": .string(piece.text)] : [:],
                    piece.hasLogprobs ? writer.chat(piece.tokens) : nil, piece.finishReason))
        }
        return chunks
    }

    private func chunk(_ index: Int, _ delta: JSON, _ logprobs: JSON, _ finish: JSON) -> JSON {
        ["index": .integer(index), "delta": delta, "logprobs": logprobs, "finish_reason": finish]
    }
}
