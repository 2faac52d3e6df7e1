// The reply to one request as it grows: collects what the engine tells of its choices, and makes the
// objects of the protocol of it. It sends nothing: GenerationJob sends it to a client, a batch writes
// it to a file.

import Glibc
import TernEngine
import TernJSON
import TernPlanning

/// The choices of one request, their usage, and the JSON of both.
struct GenerationReply {
    private let call: GenerationCall
    private let shape: any ReplyShape
    private let writer: LogprobWriter
    private let id: String
    private let created = Int(time(nil))
    private var choices: [ChoiceResult]
    private var prompts: [PromptReply]
    private var unfinished: Int
    private(set) var usage: Usage

    init(_ call: GenerationCall, shape: any ReplyShape, writer: LogprobWriter) {
        self.call = call
        self.shape = shape
        self.writer = writer
        id = shape.idPrefix + RandomName.make()
        let hasLogprobs = call.prompts.contains { $0.parameters.logprobs != nil }
        choices = Array(
            repeating: ChoiceResult(hasLogprobs: hasLogprobs), count: call.choiceCount)
        if let format = call.toolCalls {
            for index in choices.indices { choices[index].toolCalls = ToolCallReply(format) }
        }
        prompts = call.promptReplies
        unfinished = call.choiceCount
        usage = Usage(promptTokens: call.promptTokens)
    }

    /// Whether every choice has ended.
    var isComplete: Bool { unfinished == 0 }

    /// Why the choices ended, each reason once.
    var finishReasons: String {
        let reasons = Set(choices.compactMap { $0.finish?.rawValue })
        return reasons.sorted().joined(separator: ",")
    }

    /// Takes what the engine tells of one prompt; gives the chunks of a stream that tell it.
    ///
    /// Throws: where the engine could not go on; the request is over then.
    mutating func receive(_ event: GenerationEvent, prompt: Int) throws(APIError) -> [JSON] {
        switch event {
        case .failed(let error): throw APIError(error)
        case .output(let output) where output.finish == .failed:
            throw APIError(.failed, "generation: the engine could not go on")
        case .output(let output):
            if let scores = output.promptScores { prompts[prompt].scores = scores }
            return grow(prompt * call.choicesPerPrompt + output.choice, by: output)
        }
    }

    private mutating func grow(_ index: Int, by output: GenerationOutput) -> [JSON] {
        precondition(
            choices[index].finish == nil, "choice \(index) grew after it had ended")
        let ends = call.wishes.endsThere
        let (text, tokens) = ends ? ("", []) : (output.text, output.tokens)
        usage.completionTokens += tokens.count
        choices[index].finish = ends && output.finish != nil ? .length : output.finish
        if output.finish != nil { unfinished -= 1 }
        let parts = choices[index].toolCalls?.append(text, ends: output.finish != nil)
        if call.streams { return chunks(of: index, telling: text, parts, tokens) }
        choices[index].text += parts.map { Self.text(of: $0) } ?? text
        if choices[index].hasLogprobs { choices[index].tokens += tokens }
        return []
    }

    /// The text of parts, without calls.
    private static func text(of parts: [ReplyPart]) -> String {
        parts.reduce(into: "") { text, part in
            if case .text(let more) = part { text += more }
        }
    }

    /// The prompt of a choice.
    private func prompt(of index: Int) -> PromptReply { prompts[index / call.choicesPerPrompt] }

    private mutating func chunks(
        of index: Int, telling text: String, _ parts: [ReplyPart]?, _ tokens: [GeneratedToken]
    ) -> [JSON] {
        let choice = choices[index]
        let echoes = call.wishes.echoes != nil && !choice.isTold
        let piece = ChoicePiece(
            prompt: echoes ? prompt(of: index) : nil, text: text, parts: parts,
            tokens: tokens, hasLogprobs: choice.hasLogprobs, finish: choice.finish,
            finishReason: choice.finishReason, isFirst: !choice.isTold,
            offset: choice.toldCharacters)
        choices[index].isTold = true
        if choice.hasLogprobs {
            let told = (piece.prompt?.tokens ?? []) + tokens.map(\.token)
            choices[index].toldCharacters += told.reduce(0) { $0 + writer.length($1) }
        }
        return shape.chunks(index, piece, writer).map { chunk(choices: [$0]) }
    }

    /// The chunk after the last choice of a stream, where the usage was asked for.
    var lastChunk: JSON? {
        // Beside a JSON in a conditional expression, nil would be JSON's null.
        guard call.includesUsage else { return .none }
        return chunk(choices: [], isLast: true)
    }

    /// The whole reply, where it is no stream.
    var json: JSON {
        var reply = head(shape.object)
        let told = choices.indices.map { index in
            var choice = choices[index]
            choice.prompt = prompt(of: index)
            return shape.choice(index, choice, writer)
        }
        reply["choices"] = .array(told)
        reply["usage"] = usage.json
        for (name, value) in shape.members(prompts.first, writer).members { reply[name] = value }
        return .object(reply)
    }

    private func chunk(choices: [JSON], isLast: Bool = false) -> JSON {
        var chunk = head(shape.chunkObject)
        chunk["choices"] = .array(choices)
        if call.includesUsage {
            chunk["usage"] = isLast || call.tellsUsageContinuously ? usage.json : .null
        }
        return .object(chunk)
    }

    private func head(_ object: String) -> JSONObject {
        JSONObject([
            ("id", .string(id)), ("object", .string(object)), ("created", .integer(created)),
            ("model", .string(call.model)),
        ])
    }
}
