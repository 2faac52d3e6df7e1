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
    private var unfinished: Int
    private var usage: Usage

    init(_ call: GenerationCall, shape: any ReplyShape, writer: LogprobWriter) {
        self.call = call
        self.shape = shape
        self.writer = writer
        id = shape.idPrefix + RandomName.make()
        let hasLogprobs = call.prompts.contains { $0.parameters.logprobs != nil }
        choices = Array(
            repeating: ChoiceResult(hasLogprobs: hasLogprobs), count: call.choiceCount)
        unfinished = call.choiceCount
        usage = Usage(promptTokens: call.promptTokens)
    }

    /// Whether every choice has ended.
    var isComplete: Bool { unfinished == 0 }

    /// Takes what the engine tells of one prompt; gives the chunks of a stream that tell it.
    ///
    /// Throws: where the engine could not go on; the request is over then.
    mutating func receive(_ event: GenerationEvent, prompt: Int) throws(APIError) -> [JSON] {
        switch event {
        case .failed(let error): throw APIError(error)
        case .output(let output) where output.finish == .failed:
            throw APIError(.failed, "generation: the engine could not go on")
        case .output(let output):
            return grow(prompt * call.choicesPerPrompt + output.choice, by: output)
        }
    }

    private mutating func grow(_ index: Int, by output: GenerationOutput) -> [JSON] {
        precondition(
            choices[index].finish == nil, "choice \(index) grew after it had ended")
        usage.completionTokens += output.tokens.count
        choices[index].finish = output.finish
        if output.finish != nil { unfinished -= 1 }
        if call.streams { return chunks(of: index, telling: output) }
        choices[index].text += output.text
        if choices[index].hasLogprobs { choices[index].tokens += output.tokens }
        return []
    }

    private mutating func chunks(of index: Int, telling output: GenerationOutput) -> [JSON] {
        let hasLogprobs = choices[index].hasLogprobs
        let piece = ChoicePiece(
            text: output.text, tokens: output.tokens, hasLogprobs: hasLogprobs,
            finish: output.finish, isFirst: !choices[index].isTold,
            offset: choices[index].toldCharacters)
        choices[index].isTold = true
        if hasLogprobs {
            choices[index].toldCharacters += output.tokens.reduce(0) {
                $0 + writer.length($1.token)
            }
        }
        return shape.chunks(index, piece, writer).map { chunk(choices: [$0]) }
    }

    /// The chunk after the last choice of a stream, where the usage was asked for.
    var lastChunk: JSON? { call.includesUsage ? chunk(choices: [], isLast: true) : nil }

    /// The whole reply, where it is no stream.
    var json: JSON {
        var reply = head(shape.object)
        reply["choices"] = .array(
            choices.enumerated().map { shape.choice($0.offset, $0.element, writer) })
        reply["usage"] = usage.json
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
