import TernJSON
import TernPlanning
import Testing

@testable import TernEngine
@testable import TernServer

@Suite("What replies tell of prompts")
struct PromptReplyTests {
    private func reply(_ path: String, _ body: String) throws -> Answer {
        var answer: Answer?
        try withServer(ScriptedGenerator(ScriptedGenerator.scoredEcho)) { _, port in
            answer = try TestClient(port: port).post(path, body)
        }
        return try #require(answer)
    }

    private func entry(_ logprob: Double, _ rank: Int, _ text: String) -> JSON {
        ["logprob": .number(logprob), "rank": .integer(rank), "decoded_token": .string(text)]
    }

    @Test("prompt_logprobs are a null and, for each token, itself and the best by their ids")
    func promptLogprobs() throws {
        let expected: JSON = [
            nil, ["98": entry(-1, 2, "b"), "65": entry(-0.5, 1, "A")],
            ["65": entry(-2, 2, "A")],
        ]
        let body = #""prompt": [97, 98, 65], "n": 2, "prompt_logprobs": 1"#
        let answer = try reply("/v1/completions", "{\(body)}")
        let choices = answer.json["choices"]?.array ?? []
        #expect(choices.map { $0["prompt_logprobs"] } == [expected, expected])
        #expect(choices.allSatisfy { $0["logprobs"] == .null })
        let chat = try reply(
            "/v1/chat/completions",
            #"{"messages": [{"role": "u", "content": ""}], "prompt_logprobs": 0}"#)
        let scores = try #require(chat.json["prompt_logprobs"]?.array)
        #expect(scores.count == "u:\n>".utf8.count)
        #expect(scores[0] == .null && scores[1] == ["58": entry(-1, 2, ":")])
    }

    @Test("Of several prompts, each choice tells the scores of its own")
    func scoresOfSeveralPrompts() throws {
        let answer = try reply(
            "/v1/completions",
            #"{"prompt": [[97, 98], [99, 65]], "n": 2, "prompt_logprobs": 0, "echo": true}"#)
        let choices = answer.json["choices"]?.array ?? []
        #expect(choices.map { $0["text"] } == ["abab", "abab", "cAcA", "cAcA"])
        let scores: [JSON] = [
            [nil, ["98": entry(-1, 2, "b")]], [nil, ["65": entry(-1, 2, "A")]],
        ]
        let expected = [0, 0, 1, 1].map { scores[$0] }
        #expect(choices.map { $0["prompt_logprobs"] } == expected)
    }

    @Test("echo tells the prompt before the text, with logprobs whose first is null")
    func echo() throws {
        let answer = try reply(
            "/v1/completions",
            #"{"prompt": [97, 98], "echo": true, "logprobs": 1, "prompt_logprobs": 0}"#)
        let choice = try #require(answer.json["choices"]?.array?.first)
        #expect(choice["text"] == "abab")
        let expected: JSON = [
            "tokens": ["a", "b", "a", "b", "<s>"],
            "token_logprobs": [nil, -1.0, -0.25, -0.25, -0.25],
            "top_logprobs": [
                nil, ["A": -0.5, "b": -1.0], ["A": -0.125, "a": -0.25],
                ["A": -0.125, "b": -0.25], ["A": -0.125, "<s>": -0.25],
            ], "text_offset": [0, 1, 2, 3, 4],
        ]
        #expect(choice["logprobs"] == expected)
        #expect(choice["prompt_logprobs"] == [nil, ["98": entry(-1, 2, "b")]])
        let plain = try reply("/v1/completions", #"{"prompt": "ab", "echo": true, "n": 2}"#)
        #expect(plain.json["choices"]?.array?.map { $0["text"] } == ["abab", "abab"])
    }

    @Test("A streamed echo is in the first chunk of each choice, and offsets go on after it")
    func streamedEcho() throws {
        let answer = try reply(
            "/v1/completions",
            #"{"prompt": [97, 98], "echo": true, "logprobs": 0, "n": 2, "stream": true}"#)
        for index in 0..<2 {
            let chunks = answer.events.compactMap { $0["choices"]?.array?.first }
                .filter { $0["index"]?.integer == index }
            #expect(chunks.map { $0["text"] } == ["aba", "b", ""])
            #expect(
                chunks.map { $0["logprobs"]?["text_offset"] } == [[0, 1, 2], [3], [4]])
            #expect(chunks[0]["logprobs"]?["token_logprobs"] == [nil, -1.0, -0.25])
        }
    }

    @Test("echo with max_tokens 0 tells the prompt alone, and uses no token")
    func promptAlone() throws {
        for stream in [false, true] {
            let answer = try reply(
                "/v1/completions",
                #"{"prompt": [97, 98], "echo": true, "logprobs": 1, "max_tokens": 0, "#
                    + #""stream": \#(stream), "stream_options": \#(stream ? usage : "null")}"#)
            let choices = (stream ? answer.events : [answer.json]).compactMap {
                $0["choices"]?.array?.first
            }
            #expect(choices.first?["text"] == "ab")
            #expect(choices.first?["logprobs"]?["token_logprobs"] == [nil, -1.0])
            #expect(choices.last?["finish_reason"] == "length")
            let counts = stream ? answer.events.last?["usage"] : answer.json["usage"]
            #expect(counts?["completion_tokens"] == 0)
        }
    }

    private let usage = #"{"include_usage": true}"#
}
