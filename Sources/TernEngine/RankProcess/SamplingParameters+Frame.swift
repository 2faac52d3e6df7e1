// The fields of sampling parameters in a frame, in order, and those of what adjusts the logits. What
// a request adds to how its tokens are drawn is added here.

import TernPlanning

extension SamplingParameters: FrameField {
    func write(to writer: inout FrameWriter) {
        for number in [temperature, topP, minP] { writer.write(number) }
        writer.write(topK)
        writer.write(integer: seed)
        writer.write(optional: logprobs)
        writer.write(optional: promptLogprobs)
        writer.write(optional: adjusts ? adjustments : nil)
        writer.write(maxTokens)
        writer.write(minTokens)
        writer.write(ignoreEOS)
        writer.write(ids: stopTokenIDs)
        writer.write(ids: endOfSequenceIDs)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        let (temperature, topP, minP): (Float, Float, Float) = (
            try reader.value(), try reader.value(), try reader.value()
        )
        self.init(
            temperature: temperature, topP: topP, topK: try reader.value(), minP: minP,
            seed: try reader.integer(), logprobs: try reader.optional(),
            promptLogprobs: try reader.optional(),
            adjustments: try reader.optional() ?? LogitAdjustments(),
            maxTokens: try reader.value(), minTokens: try reader.value(),
            ignoreEOS: try reader.value(), stopTokenIDs: try reader.ids(),
            endOfSequenceIDs: try reader.ids())
    }
}

extension LogitAdjustments: FrameField {
    func write(to writer: inout FrameWriter) {
        for penalty in [repetitionPenalty, presencePenalty, frequencyPenalty] {
            writer.write(penalty)
        }
        writer.write(logitBias.sorted { $0.key < $1.key }.map(TokenBias.init))
        writer.write(badWords.map(TokenList.init))
        writer.write(optional: allowedTokenIDs.map(TokenList.init))
        writer.write(optional: grammar)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init()
        repetitionPenalty = try reader.value()
        presencePenalty = try reader.value()
        frequencyPenalty = try reader.value()
        for bias in try reader.values() as [TokenBias] {
            guard logitBias.updateValue(bias.bias, forKey: bias.token) == nil else {
                throw FrameError("frame: two biases of token \(bias.token)")
            }
        }
        badWords = (try reader.values() as [TokenList]).map(\.tokens)
        allowedTokenIDs = (try reader.optional() as TokenList?)?.tokens
        grammar = try reader.optional()
    }
}

extension GrammarSource: FrameField {
    func write(to writer: inout FrameWriter) { writer.write(contentsOf: text) }
    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(text: Array(try reader.content()))
    }
}

/// The bias of one token.
private struct TokenBias: FrameField {
    let token: TokenID
    let bias: Float

    init(_ entry: (key: TokenID, value: Float)) { (token, bias) = entry }

    func write(to writer: inout FrameWriter) {
        writer.write(token)
        writer.write(bias)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        token = try reader.value()
        bias = try reader.value()
    }
}

/// Tokens as a value.
private struct TokenList: FrameField {
    let tokens: [TokenID]

    init(_ tokens: [TokenID]) { self.tokens = tokens }

    func write(to writer: inout FrameWriter) { writer.write(ids: tokens) }
    init(from reader: inout FrameReader) throws(FrameError) { tokens = try reader.ids() }
}
