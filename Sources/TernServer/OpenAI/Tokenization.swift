// `POST /tokenize` and `POST /detokenize`, as vLLM has them: text to ids and back, without
// generating.

import TernJSON
import TernPlanning

/// The two endpoints.
enum Tokenization {
    /// The ids of a prompt or of a conversation.
    static func tokenize(_ fields: RequestFields, _ model: ServedModel) throws(APIError) -> JSON {
        _ = try model.name(in: fields)
        let tokens: [TokenID]
        if fields["messages"] != nil {
            tokens = try model.tokens(of: try Conversation(fields))
        } else if let prompt = try fields.string("prompt") {
            tokens = try model.tokens(
                of: prompt, addSpecialTokens: try fields.bool("add_special_tokens") ?? true,
                field: "prompt")
        } else {
            throw .field("prompt", found: "nothing", expected: "a string, or messages")
        }
        return [
            "count": .integer(tokens.count),
            "max_model_len": .integer(model.generator.maxModelLength),
            "tokens": .array(tokens.map { .integer(Int($0.rawValue)) }),
        ]
    }

    /// The text of ids.
    static func detokenize(_ fields: RequestFields, _ model: ServedModel) throws(APIError) -> JSON {
        _ = try model.name(in: fields)
        let tokens = try SamplingFields.tokens(
            fields["tokens"] ?? .null, "tokens", atMost: model.generator.maxModelLength,
            vocabularySize: model.generator.vocabularySize)
        do {
            return ["prompt": .string(try model.generator.text(of: tokens))]
        } catch {
            throw APIError(
                .badRequest, "tokens: \(error)", parameter: "tokens", code: "invalid_value")
        }
    }
}
