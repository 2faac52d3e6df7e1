import TernEngine
import TernPlanning
import TernTensor
import Testing

@Suite("How an answer ends", .serialized)
struct StoppingTests {
    /// What the bundled model says after a fixed prompt, and the engine to ask it further.
    private func homer() throws -> (engine: Engine, request: GenerationRequest) {
        let engine = try Engine.telemachus { $0.dtype = .float32 }
        let prompt = try engine.tokenizer.encode("Tell me, O Muse, of that ingenious hero")
        var request = GenerationRequest(
            prompt: prompt.map { TokenID($0) }, parameters: engine.defaultParameters(maxTokens: 24))
        request.parameters.temperature = 0
        return (engine, request)
    }

    @Test("At max_tokens it ends with reason length")
    func length() throws {
        let (engine, request) = try homer()
        let answer = try engine.answer(request)
        #expect(answer.finish == .length)
        #expect(answer.tokens.count == 24)
        #expect(answer.text.hasPrefix(" who travelled far and wide"))
        try engine.stop()
    }

    @Test("A stop string that spans tokens ends it and is not part of the text")
    func stopString() throws {
        var (engine, request) = try homer()
        request.stopStrings = ["never said", "far and wi"]
        let answer = try engine.answer(request)
        #expect(answer.finish == .stop)
        #expect(answer.text == " who travelled ")
        try engine.stop()
    }

    @Test("A stop token ends it, counts as a token and is not part of the text")
    func stopToken() throws {
        var (engine, request) = try homer()
        let free = try engine.answer(request)
        request.parameters.stopTokenIDs = [free.tokens[3]]
        let answer = try engine.answer(request)
        #expect(answer.finish == .stop)
        #expect(answer.tokens == Array(free.tokens[...3]))
        #expect(free.text.hasPrefix(answer.text) && answer.text.count < free.text.count)
        try engine.stop()
    }

    @Test("Before min_tokens neither stop tokens nor stop strings end it")
    func minTokens() throws {
        var (engine, request) = try homer()
        let free = try engine.answer(request)
        request.parameters.stopTokenIDs = [free.tokens[1]]
        request.stopStrings = ["a"]
        request.parameters.minTokens = 10
        let answer = try engine.answer(request)
        #expect(!answer.tokens.prefix(10).contains(free.tokens[1]))
        // The first text with an "a" after ten tokens ends it, and no earlier one.
        let ending = try answer.tokens.indices.first { index in
            let text = try engine.tokenizer.decode(
                [answer.tokens[index].rawValue], skipSpecialTokens: true)
            return index >= 10 && text.contains("a")
        }
        #expect(ending == answer.tokens.count - 1)
        #expect(answer.finish == .stop)
        try engine.stop()
    }

    @Test("The end-of-sequence token ends it, unless it is ignored")
    func endOfSequence() throws {
        let engine = try Engine.telemachus { $0.dtype = .float32 }
        let prompt = try engine.chatPrompt(
            messages: [["role": "user", "content": "What is 12 + 30?"]])
        var request = GenerationRequest(
            prompt: prompt, parameters: engine.defaultParameters(maxTokens: 12))
        request.parameters.temperature = 0
        let answer = try engine.answer(request)
        #expect(answer.text == "42")
        #expect(answer.finish == .stop)
        request.parameters.ignoreEOS = true
        #expect(try engine.answer(request).tokens.count == 12)
        try engine.stop()
    }

    @Test("A sequence ends at the model's length")
    func modelLength() throws {
        let engine = try Engine.tiny { $0.maxModelLength = 32 }
        let answer = try engine.answer(
            GenerationRequest(prompt: tokens(20), parameters: engine.greedy(1000)))
        #expect(answer.finish == .length)
        #expect(answer.tokens.count == 12)
        try engine.stop()
    }
}
