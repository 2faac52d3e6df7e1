// The endpoints: routes, and the jobs that they start. Requests are read by pure functions on the
// reader's thread; everything else here runs on the HTTP thread, to which what was read and what
// the engine tells come through the server's queue.

import TernEngine
import TernJSON
import TernPlanning

/// A request that is worked on, for the life of the server.
struct JobID: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt64
}

/// What other threads tell the HTTP thread of a job.
enum JobEvent: Sendable {
    /// The request was read, and asks to generate.
    case call(GenerationCall)
    /// The request was read, and this answers it.
    case answer(JSON)
    /// The request was read, and cannot be served.
    case refused(APIError)
    /// The engine tells of one of the call's prompts.
    case generation(prompt: Int, GenerationEvent)
}

/// All endpoints of one model. Thread: the loop's.
final class API {
    /// Sends an event to `receive`, from any thread.
    typealias Deliver = @Sendable (JobID, JobEvent) -> Void
    /// What an endpoint makes of a request's fields.
    typealias Read = @Sendable (RequestFields, ServedModel) throws(APIError) -> JobEvent

    private enum Job {
        case reading(HTTPExchange, any ReplyShape)
        case generating(GenerationJob, cancels: [@Sendable () -> Void])
    }

    private let model: ServedModel
    private let configuration: ServerConfiguration
    private let reader: RequestReader
    private let deliver: Deliver
    private var jobs: [JobID: Job] = [:]
    private var nextJob: UInt64 = 0

    init(
        model: ServedModel, configuration: ServerConfiguration, reader: RequestReader,
        deliver: @escaping Deliver
    ) {
        self.model = model
        self.configuration = configuration
        self.reader = reader
        self.deliver = deliver
    }

    /// Every route of the server.
    var router: Router {
        let models = ModelList(names: model.names, maxModelLength: model.generator.maxModelLength)
        return Router(
            routes: [
                .init(method: "GET", path: "/health", isOpen: true) { [model] _, exchange in
                    Health.live(model.generator, exchange)
                },
                .init(method: "GET", path: "/ready") { [model] _, exchange in
                    Health.ready(model.generator, exchange)
                },
                .init(method: "GET", path: "/version") { [configuration] _, exchange in
                    exchange.respond(
                        HTTPResponse(json: ["version": .string(configuration.version)]))
                },
                .init(method: "GET", path: "/steps") { [model] request, exchange in
                    StepFeed.answer(model.generator, request, exchange)
                },
                .init(method: "GET", path: "/v1/models", handler: models.list),
                .init(method: "GET", path: "/v1/models/", isPrefix: true, handler: models.one),
                .init(method: "GET", path: "/metrics") { [model] _, exchange in
                    MetricsPage.answer(model, exchange)
                },
                post("/tokenize") { fields, model throws(APIError) in
                    .answer(try Tokenization.tokenize(fields, model))
                },
                post("/detokenize") { fields, model throws(APIError) in
                    .answer(try Tokenization.detokenize(fields, model))
                },
            ] + Page.routes + GenerationEndpoint.all.map(route),
            key: configuration.apiKey.map { APIKey($0) })
    }

    /// Takes an event; of a job that is over, it is dropped.
    func receive(_ id: JobID, _ event: JobEvent) {
        switch (jobs[id], event) {
        case (.reading(let exchange, let shape), .call(let call)):
            generate(call, id, exchange, shape)
        case (.reading(let exchange, _), .answer(let answer)):
            jobs[id] = nil
            exchange.respond(HTTPResponse(json: answer))
        case (.reading(let exchange, _), .refused(let error)):
            jobs[id] = nil
            exchange.respond(error.response)
        case (.generating(let job, _), .generation(let prompt, let event)):
            job.receive(event, prompt: prompt)
        case (nil, _): break
        case (.reading, .generation), (.generating, _):
            preconditionFailure("job \(id) got \(event) in another state")
        }
    }

    private func route(_ endpoint: GenerationEndpoint) -> Router.Route {
        post(endpoint.path, endpoint.shape) { fields, model throws(APIError) in
            .call(try endpoint.call(fields, model))
        }
    }

    /// A route whose requests are read on the reader's thread.
    private func post(
        _ path: String, _ shape: any ReplyShape = CompletionShape(), read: @escaping Read
    ) -> Router.Route {
        .init(method: "POST", path: path) { [unowned self] request, exchange in
            let id = JobID(rawValue: nextJob)
            nextJob += 1
            let isAccepted = reader.submit(bytes: request.body.count) { [model, deliver] in
                do throws(APIError) {
                    deliver(id, try read(try RequestFields(body: request.body), model))
                } catch {
                    deliver(id, .refused(error))
                }
            }
            guard isAccepted else {
                exchange.respond(
                    APIError.overloaded("too many requests wait to be read; try again later")
                        .response)
                return
            }
            jobs[id] = .reading(exchange, shape)
            exchange.onClose = { [unowned self] in end(id, isComplete: false) }
        }
    }

    private func generate(
        _ call: GenerationCall, _ id: JobID, _ exchange: HTTPExchange, _ shape: any ReplyShape
    ) {
        let writer = LogprobWriter(bytes: model.generator.bytes)
        let job = GenerationJob(call, shape: shape, writer: writer, exchange: exchange) {
            [unowned self] isComplete in end(id, isComplete: isComplete)
        }
        var cancels: [@Sendable () -> Void] = []
        do throws(EngineError) {
            for (index, var prompt) in call.prompts.enumerated() {
                prompt.label = exchange.requestID
                cancels.append(
                    try model.generator.start(prompt) { [deliver] event in
                        deliver(id, .generation(prompt: index, event))
                    })
            }
            jobs[id] = .generating(job, cancels: cancels)
        } catch {
            jobs[id] = .generating(job, cancels: cancels)
            job.fail(APIError(error))
        }
    }

    /// Ends every job with an error that its client sees, in the middle of a stream if need be.
    func failAll(_ error: APIError) {
        for (id, state) in jobs {
            switch state {
            case .generating(let job, _): job.fail(error)
            case .reading(let exchange, _):
                jobs[id] = nil
                exchange.respond(error.response)
            }
        }
    }

    /// A job is over. If not all of it was told, the engine works on it in vain.
    private func end(_ id: JobID, isComplete: Bool) {
        if case .generating(_, let cancels) = jobs.removeValue(forKey: id), !isComplete {
            for cancel in cancels { cancel() }
        }
    }
}
