// Logprobs in the two shapes that clients expect. Values are those of the engine: natural
// logarithms of the model's own distribution.
//
// Source: OpenAI API reference; tokens that are no whole characters are spelled `bytes:\x…` in the
// legacy shape, as OpenAI does, for that shape's `top_logprobs` is keyed by them.

import TernEngine
import TernJSON
import TernPlanning

/// Writes logprobs as JSON.
struct LogprobWriter {
    /// The bytes of a token.
    let bytes: (TokenID) -> [UInt8]

    /// JSON has no infinity; OpenAI writes this for a token that could not come.
    private static let least: Float = -9999

    /// The `logprobs` of a chat choice.
    func chat(_ tokens: [GeneratedToken]) -> JSON {
        let content = tokens.map { token in
            var entry = entry(token.token, token.logprob ?? LogprobWriter.least)
            entry["top_logprobs"] = .array(
                token.top.map { .object(self.entry($0.token, $0.logprob)) })
            return JSON.object(entry)
        }
        return ["content": .array(content), "refusal": nil]
    }

    private func entry(_ token: TokenID, _ logprob: Float) -> JSONObject {
        let bytes = bytes(token)
        return JSONObject([
            ("token", .string(String(decoding: bytes, as: UTF8.self))),
            ("logprob", number(logprob)),
            ("bytes", .array(bytes.map { .integer(Int($0)) })),
        ])
    }

    /// The `logprobs` of a legacy choice; `offset` is where its first token begins in the text. A
    /// prompt that is told again stands before it, and its first token has no logprob.
    func completion(
        _ tokens: [GeneratedToken], offset: Int, after prompt: PromptReply? = nil
    ) -> JSON {
        var lists = LogprobLists(offset: offset)
        if let prompt {
            for (index, token) in prompt.tokens.enumerated() {
                let score = index == 0 ? nil : prompt.scores.dropFirst(index - 1).first
                append(
                    token, score?.logprob, score?.top.prefix(prompt.echoLogprobs) ?? [], to: &lists)
            }
        }
        for token in tokens {
            append(
                token.token, token.logprob ?? LogprobWriter.least, token.top[...], to: &lists)
        }
        return lists.json
    }

    private func append(
        _ token: TokenID, _ logprob: Float?, _ top: ArraySlice<TokenLogprob>,
        to lists: inout LogprobLists
    ) {
        let text = spelling(token)
        var tops = JSONObject(top.map { (spelling($0.token), number($0.logprob)) })
        // The token that was drawn is always among them, as with OpenAI.
        if tops[text] == nil { tops[text] = logprob.map(number) }
        lists.texts.append(.string(text))
        lists.logprobs.append(logprob.map(number) ?? .null)
        lists.tops.append(logprob == nil ? .null : .object(tops))
        lists.offsets.append(.integer(lists.offset))
        lists.offset += length(token)
    }

    /// The `prompt_logprobs` of a reply: nothing for the first token, then for each token itself and
    /// the most probable ones, by their ids. Nil where they were not asked for.
    ///
    /// Source: vLLM's `prompt_logprobs`.
    func prompt(_ prompt: PromptReply) -> JSON? {
        guard let count = prompt.logprobs else { return nil }
        let scores = prompt.scores.map { score in
            var entries = [(score.token, score.logprob, score.rank)]
            for (index, other) in score.top.prefix(count).enumerated()
            where other.token != score.token {
                entries.append((other.token, other.logprob, index + 1))
            }
            return JSON.object(
                JSONObject(
                    entries.map { token, logprob, rank in
                        let text = String(decoding: bytes(token), as: UTF8.self)
                        return (
                            "\(token)",
                            [
                                "logprob": number(logprob), "rank": .integer(rank),
                                "decoded_token": .string(text),
                            ]
                        )
                    }))
        }
        return .array([.null] + scores)
    }

    /// Characters that a token adds to the text, as offsets count them.
    func length(_ token: TokenID) -> Int {
        String(decoding: bytes(token), as: UTF8.self).unicodeScalars.count
    }

    private func spelling(_ token: TokenID) -> String {
        let bytes = bytes(token)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.reduce(into: "bytes:") { text, byte in
            text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    /// The shortest decimal that reads back to the same Float.
    private func number(_ logprob: Float) -> JSON {
        .number(
            Double(max(logprob, LogprobWriter.least).description) ?? Double(LogprobWriter.least))
    }
}

/// The lists of a legacy choice in the making.
private struct LogprobLists {
    var texts: [JSON] = []
    var logprobs: [JSON] = []
    var tops: [JSON] = []
    var offsets: [JSON] = []
    /// Where the next token begins in the text.
    var offset: Int

    init(offset: Int) { self.offset = offset }

    var json: JSON {
        [
            "tokens": .array(texts), "token_logprobs": .array(logprobs),
            "top_logprobs": .array(tops), "text_offset": .array(offsets),
        ]
    }
}
