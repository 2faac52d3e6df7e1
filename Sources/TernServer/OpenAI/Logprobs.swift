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

    /// The `logprobs` of a legacy choice; `offset` is where its first token begins in the text.
    func completion(_ tokens: [GeneratedToken], offset: Int) -> JSON {
        var offset = offset
        var texts: [JSON] = []
        var logprobs: [JSON] = []
        var tops: [JSON] = []
        var offsets: [JSON] = []
        for token in tokens {
            let logprob = token.logprob ?? LogprobWriter.least
            texts.append(.string(spelling(token.token)))
            logprobs.append(number(logprob))
            // The token that was drawn is always among them, as with OpenAI.
            var top = JSONObject(token.top.map { (spelling($0.token), number($0.logprob)) })
            if top[spelling(token.token)] == nil { top[spelling(token.token)] = number(logprob) }
            tops.append(.object(top))
            offsets.append(.integer(offset))
            offset += length(token.token)
        }
        return [
            "tokens": .array(texts), "token_logprobs": .array(logprobs),
            "top_logprobs": .array(tops), "text_offset": .array(offsets),
        ]
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
