// What a caller asks of the engine: a prompt in tokens, how to draw, when to stop. Text has become
// tokens before (station 2); what comes back are GenerationEvents.

import TernPlanning

/// The engine's name for a request.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: UInt64

    /// The number in decimal.
    public var description: String { "\(rawValue)" }
}

/// One prompt and the choices to generate after it.
public struct GenerationRequest: Sendable {
    /// The tokens to go on from; at least one.
    public var prompt: [TokenID]
    /// How many independent continuations are drawn.
    public var choices = 1
    /// How tokens are drawn and when a choice ends.
    public var parameters: SamplingParameters
    /// Texts that end a choice; they are not part of its text.
    public var stopStrings: [String] = []
    /// Separates tenants: requests with different salts share no cached prefix.
    public var cacheSalt: String?

    /// Its name in traces.
    public var label: String?
    /// Set when the request enters the engine.
    var entry: RequestEntry?

    /// A request for one choice.
    public init(prompt: [TokenID], parameters: SamplingParameters) {
        self.prompt = prompt
        self.parameters = parameters
    }
}
