// One request between the engine and the client: sends the reply as it grows, at the end or piece by
// piece. A client that leaves ends it at once. What is sent is GenerationReply's.

import TernEngine
import TernJSON

/// A request that generates. Thread: the loop's.
final class GenerationJob {
    private var reply: GenerationReply
    private let streams: Bool
    private let exchange: HTTPExchange
    private var stream: ServerSentEvents?
    /// Called when nothing more will be told, with whether that was all.
    private let ended: (_ isComplete: Bool) -> Void

    init(
        _ call: GenerationCall, shape: any ReplyShape, writer: LogprobWriter,
        exchange: HTTPExchange, ended: @escaping (_ isComplete: Bool) -> Void
    ) {
        reply = GenerationReply(call, shape: shape, writer: writer)
        streams = call.streams
        self.exchange = exchange
        self.ended = ended
        exchange.onClose = { [unowned self] in self.ended(false) }
    }

    /// Takes what the engine tells of one prompt.
    func receive(_ event: GenerationEvent, prompt: Int) {
        do throws(APIError) {
            let chunks = try reply.receive(event, prompt: prompt)
            exchange.outcome.usage = reply.usage
            if streams {
                let stream = stream ?? ServerSentEvents(on: exchange)
                self.stream = stream
                for chunk in chunks { stream.send(chunk) }
            }
            if reply.isComplete { finish() }
        } catch {
            fail(error)
        }
    }

    /// Tells the client that the request failed, in the middle of a stream if need be.
    func fail(_ error: APIError) {
        exchange.onClose = nil
        exchange.outcome.error = error.message
        if let stream {
            stream.send(error.json)
            stream.finish()
        } else {
            exchange.respond(error.response)
        }
        ended(false)
    }

    private func finish() {
        exchange.onClose = nil
        exchange.outcome.finish = reply.finishReasons
        if let stream {
            if let chunk = reply.lastChunk { stream.send(chunk) }
            stream.finish()
        } else {
            exchange.respond(HTTPResponse(json: reply.json))
        }
        ended(true)
    }
}
