// One request between the engine and the client: collects what the engine tells of its choices and
// replies, at the end or piece by piece. A client that leaves ends it at once.

import Glibc
import TernEngine
import TernJSON
import TernPlanning

/// A request that generates. Thread: the loop's.
final class GenerationJob {
    private let call: GenerationCall
    private let shape: any ReplyShape
    private let writer: LogprobWriter
    private let exchange: HTTPExchange
    private let id: String
    private let created = Int(time(nil))
    private var choices: [ChoiceResult]
    private var unfinished: Int
    private var usage: Usage
    private var stream: ServerSentEvents?
    /// Called when nothing more will be told, with whether that was all.
    private let ended: (_ isComplete: Bool) -> Void

    init(
        _ call: GenerationCall, shape: any ReplyShape, writer: LogprobWriter,
        exchange: HTTPExchange, ended: @escaping (_ isComplete: Bool) -> Void
    ) {
        self.call = call
        self.shape = shape
        self.writer = writer
        self.exchange = exchange
        self.ended = ended
        id = shape.idPrefix + RandomName.make()
        let hasLogprobs = call.prompts.contains { $0.parameters.logprobs != nil }
        choices = Array(
            repeating: ChoiceResult(hasLogprobs: hasLogprobs), count: call.choiceCount)
        unfinished = call.choiceCount
        usage = Usage(promptTokens: call.promptTokens)
        exchange.onClose = { [unowned self] in self.ended(false) }
    }

    /// Takes what the engine tells of one prompt.
    func receive(_ event: GenerationEvent, prompt: Int) {
        switch event {
        case .failed(let error): fail(APIError(error))
        case .output(let output) where output.finish == .failed:
            fail(APIError(.failed, "generation: the engine could not go on"))
        case .output(let output):
            grow(prompt * call.choicesPerPrompt + output.choice, by: output)
        }
    }

    /// Tells the client that the request failed, in the middle of a stream if need be.
    func fail(_ error: APIError) {
        exchange.onClose = nil
        if let stream {
            stream.send(error.json)
            stream.finish()
        } else {
            exchange.respond(error.response)
        }
        ended(false)
    }

    private func grow(_ index: Int, by output: GenerationOutput) {
        precondition(
            choices[index].finish == nil, "choice \(index) grew after it had ended")
        usage.completionTokens += output.tokens.count
        choices[index].finish = output.finish
        if output.finish != nil { unfinished -= 1 }
        if call.streams {
            send(output, of: index)
        } else {
            choices[index].text += output.text
            if choices[index].hasLogprobs { choices[index].tokens += output.tokens }
        }
        if unfinished == 0 { finish() }
    }

    private func send(_ output: GenerationOutput, of index: Int) {
        let stream = stream ?? ServerSentEvents(on: exchange)
        self.stream = stream
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
        for choice in shape.chunks(index, piece, writer) {
            stream.send(chunk(choices: [choice]))
        }
    }

    private func finish() {
        exchange.onClose = nil
        if let stream {
            if call.includesUsage { stream.send(chunk(choices: [], isLast: true)) }
            stream.finish()
        } else {
            var reply = head(shape.object)
            reply["choices"] = .array(
                choices.enumerated().map { shape.choice($0.offset, $0.element, writer) })
            reply["usage"] = usage.json
            exchange.respond(HTTPResponse(json: .object(reply)))
        }
        ended(true)
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
