import TernPlanning
import Testing

@Suite("Parameters")
struct ParameterTests {
    private typealias Change = @Sendable (inout SamplingParameters) -> Void

    @Test("Defaults are vLLM's and valid")
    func defaults() throws {
        let parameters = SamplingParameters(seed: 1)
        #expect(parameters.temperature == 1 && parameters.topP == 1 && parameters.topK == 0)
        #expect(parameters.minP == 0 && parameters.maxTokens == 16 && parameters.minTokens == 0)
        #expect(!parameters.ignoreEOS && parameters.logprobs == nil)
        try parameters.validate()
    }

    @Test("Each field out of range is refused by its name in requests")
    func refusals() {
        let cases: [(String, Change)] = [
            ("temperature", { $0.temperature = -0.1 }), ("temperature", { $0.temperature = .nan }),
            ("temperature", { $0.temperature = .infinity }), ("top_p", { $0.topP = 0 }),
            ("top_p", { $0.topP = 1.01 }), ("top_p", { $0.topP = .nan }),
            ("top_k", { $0.topK = -1 }),
            ("min_p", { $0.minP = -0.1 }), ("min_p", { $0.minP = 1.5 }),
            ("prompt_logprobs", { $0.promptLogprobs = -1 }),
            ("repetition_penalty", { $0.adjustments.repetitionPenalty = 0 }),
            ("repetition_penalty", { $0.adjustments.repetitionPenalty = .infinity }),
            ("presence_penalty", { $0.adjustments.presencePenalty = 2.1 }),
            ("frequency_penalty", { $0.adjustments.frequencyPenalty = -2.1 }),
            ("frequency_penalty", { $0.adjustments.frequencyPenalty = .nan }),
            ("logit_bias", { $0.adjustments.logitBias = [3: 1, 5: 100.5] }),
            ("bad_words", { $0.adjustments.badWords = [[1], []] }),
            ("allowed_token_ids", { $0.adjustments.allowedTokenIDs = [] }),
            ("logprobs", { $0.logprobs = -1 }), ("max_tokens", { $0.maxTokens = 0 }),
            ("min_tokens", { $0.minTokens = -1 }), ("min_tokens", { $0.minTokens = 17 }),
        ]
        for (name, change) in cases {
            var parameters = SamplingParameters(seed: 1)
            change(&parameters)
            let error = #expect(throws: ParameterError.self) { try parameters.validate() }
            #expect(error?.parameter == name)
        }
    }

    @Test("The edges of the ranges are allowed, and the message says what is")
    func edges() throws {
        try SamplingParameters(
            temperature: 0, topP: 1, topK: 1, minP: 1, seed: 0, logprobs: 0, maxTokens: 1,
            minTokens: 1
        ).validate()
        let error = #expect(throws: ParameterError.self) {
            try SamplingParameters(topP: 1.5, seed: 0).validate()
        }
        #expect(error?.description == "top_p is 1.5; it must be above 0 and at most 1")
    }

    @Test("A token stops by the request's list always, by the model's unless it is ignored")
    func stops() {
        var parameters = SamplingParameters(seed: 1, stopTokenIDs: [5], endOfSequenceIDs: [7])
        #expect([5, 6, 7].map { parameters.stops(at: $0) } == [true, false, true])
        parameters.ignoreEOS = true
        #expect([5, 6, 7].map { parameters.stops(at: $0) } == [true, false, false])
    }

    @Test("A configuration is refused by the flag that is wrong")
    func configuration() throws {
        let valid = SchedulerConfiguration(
            maxBatchedTokens: 4, maxSequences: 4, maxModelLength: 8, blockSize: 2, blockCount: 4)
        try valid.validate()
        let cases: [(String, WritableKeyPath<SchedulerConfiguration, Int>, Int)] = [
            ("--max-num-seqs", \.maxSequences, 0),
            ("--max-num-batched-tokens", \.maxBatchedTokens, 3),
            ("--max-model-len", \.maxModelLength, 1), ("--block-size", \.blockSize, 0),
            ("the number of KV-cache blocks", \.blockCount, 0),
            ("the number of KV-cache blocks", \.blockCount, 1 << 31),
            ("plans in flight", \.maxPlansInFlight, 0), ("rows of logits", \.maxLogitRows, 3),
        ]
        for (name, field, value) in cases {
            var configuration = valid
            configuration[keyPath: field] = value
            let error = #expect(throws: ParameterError.self) { try configuration.validate() }
            #expect(error?.parameter == name)
        }
    }
}
