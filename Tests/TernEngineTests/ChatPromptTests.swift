// Holds the engine's chat prompts to what a template promises of the last message.

import TernJSON
import TernPlanning
import Testing

@testable import TernEngine

@Suite("Prompts of conversations")
struct ChatPromptTests {
    @Test("A last message that is to be continued ends the prompt, and the model goes on with it")
    func continuesFinalMessage() throws {
        let engine = try Engine.telemachus { $0.dtype = .float32 }
        let question: JSON = ["role": "user", "content": "What is 12 + 30?"]
        let prompt = try engine.chatPrompt(
            messages: [question, ["role": "assistant", "content": "4"]],
            addGenerationPrompt: false, continuesFinalMessage: true)
        let start = try engine.tokenizer.encode("4", addSpecialTokens: false)
        #expect(
            try prompt == engine.chatPrompt(messages: [question]) + start.map { TokenID($0) })
        var request = GenerationRequest(
            prompt: prompt, parameters: engine.defaultParameters(maxTokens: 12))
        request.parameters.temperature = 0
        #expect(try engine.answer(request).text == "2")
        try engine.stop()
    }
}
