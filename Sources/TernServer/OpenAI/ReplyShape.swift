// What the two endpoints tell differently: the objects of a choice, whole or in pieces. Collecting
// the pieces is GenerationReply's.

import TernEngine
import TernJSON
import TernPlanning

/// The words of one endpoint.
protocol ReplyShape: Sendable {
    /// Stands before the reply's id.
    var idPrefix: String { get }
    /// The `object` of a whole reply.
    var object: String { get }
    /// The `object` of a chunk of a stream.
    var chunkObject: String { get }
    /// What stands beside the choices of a whole reply, told of its first prompt.
    func members(_ prompt: PromptReply?, _ writer: LogprobWriter) -> JSONObject
    /// A choice of a whole reply.
    func choice(_ index: Int, _ choice: ChoiceResult, _ writer: LogprobWriter) -> JSON
    /// The choices that tell a new piece, one for each chunk to send; none if it tells nothing. Each
    /// token has a chunk, though its text be empty: load generators take the times of tokens from
    /// the chunks.
    func chunks(_ index: Int, _ piece: ChoicePiece, _ writer: LogprobWriter) -> [JSON]
}

/// A choice as far as it has grown.
struct ChoiceResult {
    /// The prompt that it goes on from; set when the choice is told.
    var prompt: PromptReply?
    var text = ""
    /// Kept only where logprobs were asked for.
    var tokens: [GeneratedToken] = []
    var hasLogprobs = false
    var finish: FinishReason?
    /// Whether a part of it was streamed.
    var isTold = false
    /// Characters of the tokens that were streamed.
    var toldCharacters = 0

    /// Where calls of tools can be among the text.
    var toolCalls: ToolCallReply?

    /// Why it ended, as clients are told.
    var finishReason: JSON {
        if finish == .stop, toolCalls?.calls.isEmpty == false { return "tool_calls" }
        return finish.map { .string($0.rawValue) } ?? .null
    }
}

/// What a choice has grown by.
struct ChoicePiece {
    /// The prompt, with a first piece before which it is told again.
    let prompt: PromptReply?
    let text: String
    /// What the text is part of, where there can be calls of tools.
    let parts: [ReplyPart]?
    let tokens: [GeneratedToken]
    let hasLogprobs: Bool
    let finish: FinishReason?
    /// Why it ended, as clients are told.
    let finishReason: JSON
    /// Whether nothing of the choice was told before.
    let isFirst: Bool
    /// Characters of the tokens that were told before.
    let offset: Int
}
