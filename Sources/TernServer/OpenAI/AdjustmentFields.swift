// The fields that change the model's logits before a token is drawn: penalties, biases and masks. Both
// endpoints share them. Pure: from JSON to values; words become tokens by the generator.
//
// Source: OpenAI API reference for the penalties and logit_bias; vLLM's extra fields for the others.

import TernEngine
import TernJSON
import TernPlanning

/// Reads penalties, biases and masks.
enum AdjustmentFields {
    /// Adjustments as a request asks for them, over the model's own.
    static func read(
        _ fields: RequestFields, over defaults: LogitAdjustments, _ generator: some Generator
    ) throws(APIError) -> LogitAdjustments {
        var adjustments = defaults
        if let value = try fields.number("repetition_penalty", in: 0...1_000_000) {
            adjustments.repetitionPenalty = value
        }
        if let value = try fields.number("presence_penalty", in: -2...2) {
            adjustments.presencePenalty = value
        }
        if let value = try fields.number("frequency_penalty", in: -2...2) {
            adjustments.frequencyPenalty = value
        }
        adjustments.logitBias = try logitBias(fields, generator.vocabularySize)
        adjustments.badWords = try badWords(fields, generator)
        if let value = fields["allowed_token_ids"] {
            adjustments.allowedTokenIDs = try SamplingFields.tokens(
                value, "allowed_token_ids", atMost: generator.vocabularySize,
                vocabularySize: generator.vocabularySize)
        }
        return adjustments
    }

    private static func logitBias(
        _ fields: RequestFields, _ vocabularySize: Int
    ) throws(APIError) -> [TokenID: Float] {
        guard let object = try fields.object("logit_bias") else { return [:] }
        var biases: [TokenID: Float] = [:]
        for (key, value) in object.members {
            guard let id = Int(key), (0..<vocabularySize).contains(id) else {
                throw .field(
                    "logit_bias", found: "the key \(JSON.string(key).shortText)",
                    expected: "token ids from 0 to \(vocabularySize - 1)")
            }
            guard let bias = value.number, (-100...100).contains(bias) else {
                throw .field(
                    "logit_bias", found: "\(value.shortText) for token \(id)",
                    expected: "a number from -100 to 100")
            }
            biases[TokenID(id)] = Float(bias)
        }
        return biases
    }

    /// Words as texts, as vLLM has them, or as lists of token ids.
    private static func badWords(
        _ fields: RequestFields, _ generator: some Generator
    ) throws(APIError) -> [[TokenID]] {
        guard let value = fields["bad_words"] else { return [] }
        let expected =
            "a list of at most \(RequestLimits.badWords) words, each a string of 1 to "
            + "\(RequestLimits.badWordBytes) bytes or a list of token ids"
        guard let list = value.array else {
            throw .field("bad_words", found: value.shortText, expected: expected)
        }
        guard list.count <= RequestLimits.badWords else {
            throw .field("bad_words", found: "\(list.count) words", expected: expected)
        }
        var words: [[TokenID]] = []
        for element in list {
            if let text = element.string, text.utf8.count <= RequestLimits.badWordBytes {
                words += try tokens(of: text, generator)
            } else if element.array != nil {
                words.append(
                    try SamplingFields.tokens(
                        element, "bad_words", atMost: RequestLimits.badWordBytes,
                        vocabularySize: generator.vocabularySize))
            } else {
                throw .field("bad_words", found: element.shortText, expected: expected)
            }
        }
        return words
    }

    private static func tokens(
        of word: String, _ generator: some Generator
    ) throws(APIError) -> [[TokenID]] {
        do {
            return try BadWords.tokens(of: [word]) {
                try generator.tokens(of: $0, addSpecialTokens: false)
            }
        } catch {
            throw APIError(
                .badRequest, "bad_words: \(error)", parameter: "bad_words", code: "invalid_value")
        }
    }
}
