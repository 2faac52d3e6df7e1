// What other threads ask of the engine's loop, and how it takes leave of them.

import TernPlanning
import TernText

/// What other threads ask of the loop.
enum EngineMessage: Sendable {
    case submit(RequestID, GenerationRequest, replica: Int, GenerationReceiver)
    case cancel(RequestID)
    case stop
}

extension EngineLoop {
    /// Takes in what another thread asks.
    mutating func handle(_ message: EngineMessage) {
        switch message {
        case .submit(let id, let request, let replica, let deliver):
            submit(id, request, to: replica, deliver)
        case .cancel(let id):
            for (sequence, generation) in generations where generation.request == id {
                lockstep.finish(sequence, .cancelled)
                generations[sequence] = nil
                recorder.end(generation, .cancelled)
            }
            recorder.flush(lockstep.counts, to: counters)
        case .stop: stops = true
        }
    }

    private mutating func submit(
        _ id: RequestID, _ request: GenerationRequest, to replica: Int,
        _ deliver: @escaping GenerationReceiver
    ) {
        for choice in 0..<request.choices {
            let name = SequenceID(nextSequence)
            nextSequence += 1
            var parameters = request.parameters
            // One choice scores the prompt for all.
            if choice > 0 { parameters.promptLogprobs = nil }
            let sequence = Sequence(
                id: name, prompt: request.prompt, choice: choice, parameters: parameters,
                cacheSalt: request.cacheSalt)
            do {
                try lockstep.add(sequence, to: replica)
            } catch {
                preconditionFailure("request \(id) passed the engine's check: \(error)")
            }
            generations[name] = Generation(
                id, choice: choice, of: request, tokenizer: tokenizer, deliver: deliver)
        }
        counters.countPrompt(tokens: request.prompt.count)
    }

    /// Tells every request that is left, and those that still come, that nothing follows.
    mutating func end(_ error: EngineError) {
        counters.fail(error)
        for generation in generations.values { recorder.end(generation, .failed) }
        recorder.flush(lockstep.counts, to: counters)
        var told: Set<RequestID> = []
        for generation in generations.values where told.insert(generation.request).inserted {
            generation.deliver(.failed(error))
        }
        generations = [:]
        inbox.close()
        for case .submit(_, _, _, let deliver) in inbox.takeAll(within: .zero) {
            deliver(.failed(error))
        }
    }
}
