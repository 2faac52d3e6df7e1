import TernCPU
import TernEngine
import TernJSON
import TernPlanning
import TernTensor
import TernTesting
import Testing

/// The bundled models against what transformers recorded of them.
@Suite("The bundled models", .serialized)
struct GoldenTests {
    private func engine(
        _ folder: String = Fixture.telemachus, cacheType: DType? = nil
    ) throws -> Engine {
        var configuration = EngineConfiguration(folder: folder)
        configuration.cacheType = cacheType
        configuration.dtype = .float32
        configuration.maxSequences = 64
        return try Engine(
            configuration,
            on: EngineHardware(freeBytes: 4 << 30) { _, _ in try CPUBackend(pins: false) })
    }

    /// The answers to several requests at once: tokens, text, logprobs.
    private func answers(
        _ requests: [GenerationRequest], _ engine: Engine
    ) throws -> [(tokens: [GeneratedToken], text: String)] {
        var answers = requests.map { _ in (tokens: [GeneratedToken](), text: "") }
        try engine.generate(requests) { index, output in
            answers[index].tokens += output.tokens
            answers[index].text += output.text
        }
        return answers
    }

    @Test(
        "40 fixed prompts give exactly the token ids and log probabilities of transformers",
        arguments: [("telemachus.json", Fixture.telemachus), ("argus.json", Fixture.argus)])
    func fixedPrompts(file: String, folder: String) throws {
        let golden = try Fixture.golden(file)
        let prompts = try #require(golden["prompts"]?.array)
        let maxTokens = try #require(golden["max_tokens"]?.integer)
        let engine = try engine(folder)
        var parameters = engine.defaultParameters(maxTokens: maxTokens)
        parameters.temperature = 0
        parameters.logprobs = 0
        let requests = try prompts.map { prompt in
            let ids = try #require(prompt["prompt_token_ids"]?.array).compactMap(\.integer)
            return GenerationRequest(prompt: ids.map { TokenID($0) }, parameters: parameters)
        }
        #expect(requests.count == 40)
        for (prompt, answer) in zip(prompts, try answers(requests, engine)) {
            let expected = prompt["token_ids"]?.array?.compactMap(\.integer)
            #expect(answer.tokens.map { Int($0.token.rawValue) } == expected)
            let logprobs = try #require(prompt["logprobs"]?.array).compactMap(\.number)
            #expect(logprobs.count == answer.tokens.count)
            let errors = zip(answer.tokens, logprobs).map { abs(Double($0.logprob ?? 1) - $1) }
            #expect(errors.allSatisfy { $0 < 1e-3 }, "largest \(errors.max() ?? 0)")
        }
        try engine.stop()
    }

    @Test("Tokens that transformers generated have its logprobs in a prompt as well")
    func promptScores() throws {
        let golden = try Fixture.golden("telemachus.json")
        let engine = try engine()
        var parameters = engine.defaultParameters(maxTokens: 1)
        parameters.promptLogprobs = 0
        var expected: [[Double]] = []
        var requests: [GenerationRequest] = []
        for prompt in try #require(golden["prompts"]?.array).prefix(10) {
            let ids = (prompt["prompt_token_ids"]?.array ?? []) + (prompt["token_ids"]?.array ?? [])
            expected.append((prompt["logprobs"]?.array ?? []).compactMap(\.number))
            requests.append(
                GenerationRequest(
                    prompt: ids.compactMap(\.integer).map { TokenID($0) }, parameters: parameters))
        }
        var scores = requests.map { _ in [ScoredToken]() }
        try engine.generate(requests) { scores[$0] += $1.promptScores ?? [] }
        for (index, logprobs) in expected.enumerated() {
            #expect(scores[index].count == requests[index].prompt.count - 1 && !logprobs.isEmpty)
            let errors = zip(scores[index].suffix(logprobs.count), logprobs).map {
                abs(Double($0.logprob) - $1)
            }
            #expect(errors.allSatisfy { $0 < 1e-3 }, "largest \(errors.max() ?? 0)")
        }
        try engine.stop()
    }

    @Test("Texts and messages become the tokens that tokenizers and transformers make of them")
    func promptTokens() throws {
        let engine = try engine()
        var checked = 0
        for prompt in try #require(Fixture.golden("telemachus.json")["prompts"]?.array) {
            let expected = prompt["prompt_token_ids"]?.array?.compactMap(\.integer)
            checked += 1
            if let text = prompt["text"]?.string {
                #expect(try engine.tokenizer.encode(text).map(Int.init) == expected)
            } else if let messages = prompt["messages"] {
                let found = try engine.chatPrompt(messages: messages)
                #expect(found.map { Int($0.rawValue) } == expected)
            } else {
                checked -= 1
            }
        }
        #expect(checked >= 30, "most prompts are recorded with their text or messages")
        try engine.stop()
    }

    @Test(
        "With a cache in fewer bits, 32 of the 40 prompts give the tokens of transformers still",
        arguments: [("telemachus.json", Fixture.telemachus), ("argus.json", Fixture.argus)],
        [DType.bfloat16, .int8])
    func cacheTypes(model: (file: String, folder: String), type: DType) throws {
        let golden = try Fixture.golden(model.file)
        let prompts = try #require(golden["prompts"]?.array)
        let engine = try engine(model.folder, cacheType: type)
        var parameters = engine.defaultParameters(
            maxTokens: try #require(golden["max_tokens"]?.integer))
        parameters.temperature = 0
        let requests = prompts.map { prompt in
            let ids = (prompt["prompt_token_ids"]?.array ?? []).compactMap(\.integer)
            return GenerationRequest(prompt: ids.map { TokenID($0) }, parameters: parameters)
        }
        let same = zip(prompts, try answers(requests, engine)).count { prompt, answer in
            let expected = prompt["token_ids"]?.array?.compactMap(\.integer)
            return answer.tokens.map { Int($0.token.rawValue) } == expected
        }
        print("\(type) cache: \(model.file), \(same) of \(prompts.count) the same")
        #expect(same >= 32)
        try engine.stop()
    }

    @Test(
        "Of 100 generated questions it answers the share that its card says, within 4 points",
        arguments: [nil, DType.int8])
    func questions(cacheType: DType?) throws {
        let golden = try Fixture.golden("telemachus_questions.json")
        let questions = try #require(golden["questions"]?.array)
        let expected = try #require(golden["expected_share"]?.number)
        let engine = try engine(cacheType: cacheType)
        var parameters = engine.defaultParameters(maxTokens: 100)
        parameters.temperature = 0
        let requests = try questions.map { question in
            let content = question["question"] ?? ""
            return GenerationRequest(
                prompt: try engine.chatPrompt(messages: [["role": "user", "content": content]]),
                parameters: parameters)
        }
        #expect(requests.count == 100)
        let right = zip(questions, try answers(requests, engine)).count { question, answer in
            question["answer"]?.string == answer.text
        }
        print("\(cacheType?.rawValue ?? "float32") cache: \(right) of 100 questions")
        #expect(abs(Double(right) / 100 - expected) <= 0.04, "\(right) of 100, not \(expected)")
        try engine.stop()
    }
}
