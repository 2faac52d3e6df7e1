// The requests of a batch that the engine works on: started, grown and taken off as they are
// complete. Files are not seen here.

import Glibc
import TernEngine
import TernJSON

/// Requests in flight. Thread: the batch's.
struct OpenBatch {
    private struct Event: Sendable {
        let request: Int
        let prompt: Int
        let event: GenerationEvent
    }

    private struct Request {
        let name: [UInt8]
        let choices: Int
        var reply: GenerationReply
        var cancels: [@Sendable () -> Void] = []
    }

    private let model: ServedModel
    private let queue: EventQueue<Event>
    private var requests: [Int: Request] = [:]
    private var nextRequest = 0
    /// Choices of all requests in flight.
    private(set) var choices = 0

    init(_ model: ServedModel) throws(BatchError) {
        self.model = model
        do throws(ServerError) {
            queue = try EventQueue()
        } catch {
            throw BatchError(error.description)
        }
    }

    var isEmpty: Bool { requests.isEmpty }

    /// Starts a request, or gives the answer that refuses it.
    ///
    /// Throws: `BatchError` where the engine takes no more.
    mutating func start(_ line: BatchRequest) throws(BatchError) -> BatchAnswer? {
        let id = nextRequest
        nextRequest += 1
        do throws(APIError) {
            let (endpoint, call) = try line.call(of: model)
            requests[id] = Request(
                name: line.name, choices: call.choiceCount,
                reply: GenerationReply(
                    call, shape: endpoint.shape,
                    writer: LogprobWriter(bytes: model.generator.bytes)))
            choices += call.choiceCount
            for (index, prompt) in call.prompts.enumerated() {
                let cancel = try begin(prompt, index, of: id)
                requests[id]?.cancels.append(cancel)
            }
            return nil
        } catch {
            close(id, cancels: true)
            guard !error.endsBatch else { throw BatchError(engine: error) }
            return BatchAnswer(name: line.name, result: .failure(error))
        }
    }

    /// Waits until the engine tells something; gives the answers that are complete with it.
    ///
    /// Throws: `BatchError` where the engine has failed.
    mutating func wait() throws(BatchError) -> [BatchAnswer] {
        var readable = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&readable, 1, -1)
        var answers: [BatchAnswer] = []
        for event in queue.takeAll() {
            // A request that has failed may still be told of.
            guard var request = requests.removeValue(forKey: event.request) else { continue }
            do throws(APIError) {
                _ = try request.reply.receive(event.event, prompt: event.prompt)
                let isComplete = request.reply.isComplete
                if isComplete {
                    answers.append(
                        BatchAnswer(name: request.name, result: .success(request.reply.json)))
                }
                requests[event.request] = request
                if isComplete { close(event.request, cancels: false) }
            } catch {
                requests[event.request] = request
                close(event.request, cancels: true)
                if case .failed = event.event { throw BatchError(engine: error) }
                answers.append(BatchAnswer(name: request.name, result: .failure(error)))
            }
        }
        return answers
    }

    /// Lets the engine go of everything.
    mutating func cancelAll() {
        for id in Array(requests.keys) { close(id, cancels: true) }
    }

    private func begin(
        _ prompt: GenerationRequest, _ index: Int, of id: Int
    ) throws(APIError) -> @Sendable () -> Void {
        do throws(EngineError) {
            return try model.generator.start(prompt) { [queue] event in
                queue.send(Event(request: id, prompt: index, event: event))
            }
        } catch {
            throw APIError(error)
        }
    }

    private mutating func close(_ id: Int, cancels: Bool) {
        guard let request = requests.removeValue(forKey: id) else { return }
        choices -= request.choices
        if cancels { for cancel in request.cancels { cancel() } }
    }
}

extension APIError {
    /// Whether it is the engine's end, of which no request is guilty.
    fileprivate var endsBatch: Bool { status == .unavailable || status == .failed }
}

extension BatchError {
    fileprivate init(engine error: APIError) { self.init("generation: \(error.message)") }
}
