// What the server needs of an engine: stations 2 and 3 of the walk, as the handlers call them. The
// engine is one, and the tests have one that plays a script.

import TernEngine
import TernJSON
import TernPlanning
import TernText

/// Text to tokens, tokens to more tokens, and back.
protocol Generator: Sendable {
    /// Tokens that a prompt and its continuation may have together.
    var maxModelLength: Int { get }
    /// Token ids are below this.
    var vocabularySize: Int { get }
    /// What it counts.
    var metrics: EngineMetrics { get }
    /// Why no more requests are taken, once that is so.
    var failure: EngineError? { get }
    /// Whether requests are worked on now.
    var isReady: Bool { get }

    /// When the ranks shift.
    var shiftPolicy: ShiftPolicy { get }
    /// The newest steps after a number, a bounded count of them.
    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps

    /// The tokens of a text.
    func tokens(of text: String, addSpecialTokens: Bool) throws -> [TokenID]
    /// The text of tokens, special ones included.
    func text(of tokens: [TokenID]) throws -> String
    /// The bytes of one token.
    func bytes(of token: TokenID) -> [UInt8]
    /// The tokens of a conversation, by the model's template, or of one that ends inside its last
    /// message.
    func chatPrompt(
        messages: JSON, tools: JSON?, addGenerationPrompt: Bool, continuesFinalMessage: Bool,
        kwargs: JSONObject
    ) throws -> [TokenID]
    /// How the model writes the calls of tools.
    var toolCallFamily: ToolCallFamily { get }
    /// The source of a form that texts are to have, once it is known that it can be kept.
    func grammar(_ form: GrammarForm) throws(GrammarError) -> GrammarSource
    /// The model's own parameters, with a drawn seed.
    func defaultParameters(maxTokens: Int) -> SamplingParameters
    /// Begins to generate. Events come on the engine's thread; what is returned cancels it.
    func start(
        _ request: GenerationRequest, deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(EngineError) -> @Sendable () -> Void
}

extension Engine: Generator {
    var vocabularySize: Int { model.vocabularySize }

    func tokens(of text: String, addSpecialTokens: Bool) throws -> [TokenID] {
        try tokenizer.encode(text, addSpecialTokens: addSpecialTokens).map { TokenID($0) }
    }

    func text(of tokens: [TokenID]) throws -> String {
        try tokenizer.decode(tokens.map(\.rawValue), skipSpecialTokens: false)
    }

    func bytes(of token: TokenID) -> [UInt8] { tokenizer.tokenBytes(token.rawValue) ?? [] }

    func start(
        _ request: GenerationRequest, deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(EngineError) -> @Sendable () -> Void {
        let id = try submit(request, deliver: deliver)
        return { self.cancel(id) }
    }
}
