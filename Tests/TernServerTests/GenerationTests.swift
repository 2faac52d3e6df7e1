import Glibc
import TernJSON
import TernPlanning
import TernTesting
import Testing

@testable import TernEngine
@testable import TernServer

@Suite("Generation, over a socket")
struct GenerationTests {
    @Test("A completion tells every choice of every prompt, and the usage")
    func completion() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/completions", #"{"model": "test", "prompt": ["ab", "c"], "n": 2}"#)
            #expect(answer.status == 200)
            #expect(answer.json["object"] == "text_completion")
            #expect(answer.json["id"]?.string?.hasPrefix("cmpl-") == true)
            let choices = answer.json["choices"]?.array ?? []
            #expect(choices.map { $0["index"] } == [0, 1, 2, 3])
            #expect(choices.map { $0["text"] } == ["ab", "ab", "c", "c"])
            #expect(choices.allSatisfy { $0["finish_reason"] == "stop" && $0["logprobs"] == .null })
            #expect(
                answer.json["usage"]
                    == ["prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15])
        }
    }

    @Test("A chat tells a message")
    func chat() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/chat/completions", #"{"messages": [{"role": "user", "content": "é"}]}"#)
            #expect(answer.json["object"] == "chat.completion")
            #expect(answer.json["id"]?.string?.hasPrefix("chatcmpl-") == true)
            let choice = answer.json["choices"]?.array?.first
            #expect(choice?["message"]?["role"] == "assistant")
            #expect(choice?["message"]?["content"]?.string?.hasPrefix("user:") == true)
            #expect(choice?["finish_reason"] == "stop")
        }
    }

    @Test("Without include_usage, the mark of the end follows the chunk that ends the answer")
    func streamEnd() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/completions", #"{"prompt": "a", "stream": true}"#)
            let events = answer.text.split(separator: "\n\n")
            #expect(events.count == answer.events.count + 1 && events.last == "data: [DONE]")
            #expect(answer.events.last?["choices"]?.array?.first?["finish_reason"] == "stop")
        }
    }

    @Test("A stream is, byte for byte, what clients of OpenAI read")
    func streamBytes() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/chat/completions",
                """
                {"messages": [{"role": "u", "content": ""}], "stream": true,
                 "add_generation_prompt": false, "stream_options": {"include_usage": true}}
                """)
            #expect(answer["content-type"] == "text/event-stream; charset=utf-8")
            let id = answer.events.first?["id"]?.string ?? ""
            let created = answer.events.first?["created"]?.integer ?? 0
            func chunk(_ choices: String, _ usage: String = "null") -> String {
                #"data: {"id":"\#(id)","object":"chat.completion.chunk","created":\#(created),"#
                    + #""model":"test","choices":[\#(choices)],"usage":\#(usage)}"# + "\n\n"
            }
            func choice(_ delta: String, _ finish: String = "null") -> String {
                #"{"index":0,"delta":{\#(delta)},"logprobs":null,"finish_reason":\#(finish)}"#
            }
            let usage = #"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}"#
            #expect(
                answer.text == chunk(choice(#""role":"assistant","content":"""#))
                    + chunk(choice(#""content":"u""#)) + chunk(choice(#""content":":""#))
                    + chunk(choice(#""content":"\n""#)) + chunk(choice("", #""stop""#))
                    + chunk("", usage) + "data: [DONE]\n\n")
        }
    }

    @Test("Every token of a stream has a chunk, where its text is empty or lags too")
    func chunkOfEveryToken() throws {
        // Two bytes of one character, a special token, and the last token of the length asked for.
        let generator = ScriptedGenerator { _ in
            [("", nil), ("é", nil), ("", nil), ("", FinishReason.length)].map {
                ScriptedGenerator.output(0, text: $0, token: 1, finish: $1)
            }
        }
        try withServer(generator) { _, port in
            let texts = try TestClient(port: port).post(
                "/v1/completions", #"{"prompt": "a", "stream": true}"#
            ).events.map { $0["choices"]?.array?.first?["text"] }
            #expect(texts == ["", "é", "", ""])
            let deltas = try TestClient(port: port).post(
                "/v1/chat/completions",
                #"{"messages": [{"role": "user", "content": "a"}], "stream": true}"#
            ).events.map { $0["choices"]?.array?.first?["delta"] }
            #expect(
                deltas == [
                    ["role": "assistant", "content": ""], ["content": ""], ["content": "é"],
                    ["content": ""], ["content": ""],
                ])
        }
    }

    @Test("Streamed choices carry their indices, and usage in every chunk where asked for")
    func completionStream() throws {
        try withServer { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/completions",
                """
                {"prompt": ["ab", "cd"], "n": 2, "stream": true,
                 "stream_options": {"include_usage": true, "continuous_usage_stats": true}}
                """)
            var texts = ["", "", "", ""]
            var finished = 0
            for event in answer.events.dropLast() {
                let choice = event["choices"]?.array?.first
                texts[choice?["index"]?.integer ?? 0] += choice?["text"]?.string ?? ""
                finished += choice?["finish_reason"] == "stop" ? 1 : 0
                #expect(event["usage"]?["prompt_tokens"] == 6)
            }
            #expect(texts == ["ab", "ab", "cd", "cd"] && finished == 4)
            #expect(answer.events.last?["choices"] == [])
            #expect(answer.events.last?["usage"]?["completion_tokens"] == 12)
            let plain = try TestClient(port: port).post(
                "/v1/completions", #"{"prompt": "a", "stream": true}"#)
            #expect(plain.events.count == 2 && plain.events.allSatisfy { $0["usage"] == nil })
        }
    }

    @Test("Logprobs come in the shape of their endpoint, streamed ones with growing offsets")
    func logprobs() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let whole = try client.post(
                "/v1/completions", #"{"prompt": [98, 200], "logprobs": 1}"#)
            let legacy: JSON = [
                "tokens": ["b", "bytes:\\xc8", "<s>"], "token_logprobs": [-0.25, -0.25, -0.25],
                "top_logprobs": [
                    ["A": -0.125, "b": -0.25], ["A": -0.125, "bytes:\\xc8": -0.25],
                    ["A": -0.125, "<s>": -0.25],
                ], "text_offset": [0, 1, 2],
            ]
            #expect(whole.json["choices"]?.array?.first?["logprobs"] == legacy)
            let stream = try client.post(
                "/v1/completions", #"{"prompt": [98, 200], "logprobs": 1, "stream": true}"#)
            #expect(
                stream.events.map {
                    $0["choices"]?.array?.first?["logprobs"]?["text_offset"]
                } == [[0], [1], [2]])
            let chat = try client.post(
                "/v1/chat/completions",
                """
                {"messages": [{"role": "u", "content": ""}], "logprobs": true, "top_logprobs": 2}
                """)
            let entry: JSON = [
                "token": "u", "logprob": -0.25, "bytes": [117],
                "top_logprobs": [
                    ["token": "A", "logprob": -0.125, "bytes": [65]],
                    ["token": "u", "logprob": -0.25, "bytes": [117]],
                ],
            ]
            let logprobs = chat.json["choices"]?.array?.first?["logprobs"]
            #expect(logprobs?["content"]?.array?.first == entry)
        }
    }

    @Test("A failure before the first token has a status, a later one is told in the stream")
    func failures() throws {
        let early = ScriptedGenerator { _ in [.failed(EngineError(.failed, "rank 0 died"))] }
        let late = ScriptedGenerator { _ in
            [
                ScriptedGenerator.output(0, text: "a", token: 97),
                .failed(EngineError(.failed, "rank 0 died")),
            ]
        }
        for body in [#"{"prompt": "a"}"#, #"{"prompt": "a", "stream": true}"#] {
            try withServer(early) { _, port in
                let answer = try TestClient(port: port).post("/v1/completions", body)
                #expect(answer.status == 500 && answer.error["message"] == "rank 0 died")
            }
        }
        try withServer(late) { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/completions", #"{"prompt": "a", "stream": true}"#)
            #expect(answer.status == 200 && answer.events.count == 2)
            #expect(answer.events.last?["error"]?["type"] == "server_error")
            #expect(answer.text.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test("Where one prompt is refused, those begun before it are cancelled")
    func refusedSubmission() throws {
        let generator = ScriptedGenerator()
        try withServer(generator) { _, port in
            let answer = try TestClient(port: port).post(
                "/v1/completions", #"{"prompt": "a", "stop": "unavailable"}"#)
            #expect(answer.status == 503 && answer["retry-after"] == "1")
            #expect(generator.started == 0)
        }
    }

    @Test("A client that leaves is noticed at once, before and in the middle of a stream")
    func leaving() throws {
        for stream in ["false", "true"] {
            let silent = ScriptedGenerator(pace: .milliseconds(500), isEndless: true)
            try withServer(silent) { _, port in
                let client = try TestClient(port: port)
                client.sendPost("/v1/completions", #"{"prompt": "a", "stream": \#(stream)}"#)
                #expect(eventually { silent.started == 1 })
                client.leave()
                #expect(eventually { silent.cancelled == 1 })
            }
        }
        let talking = ScriptedGenerator(pace: .milliseconds(1), isEndless: true) { _ in
            [ScriptedGenerator.output(0, text: "a", token: 97)]
        }
        try withServer(talking) { _, port in
            let stays = try TestClient(port: port)
            stays.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
            let leaves = try TestClient(port: port)
            leaves.sendPost("/v1/completions", #"{"prompt": ["a", "b"], "stream": true}"#)
            for _ in 0..<10 { _ = try leaves.take(through: "\n\n") }
            leaves.leave()
            #expect(eventually { talking.cancelled == 2 })
            // The other stream goes on.
            for _ in 0..<50 { _ = try stays.take(through: "\n\n") }
            #expect(talking.cancelled == 2)
        }
    }

    @Test("A prompt that is long to read holds up no stream, and is forgotten if its client leaves")
    func slowReading() throws {
        let generator = ScriptedGenerator(pace: .milliseconds(1), isEndless: true) { _ in
            [ScriptedGenerator.output(0, text: "a", token: 97)]
        }
        try withServer(generator) { _, port in
            let stream = try TestClient(port: port)
            stream.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
            _ = try stream.take(through: "\n\n")
            let slow = try TestClient(port: port)
            slow.sendPost("/v1/completions", #"{"prompt": "slow"}"#)
            for _ in 0..<30 { _ = try stream.take(through: "\n\n") }
            #expect(generator.started == 1, "the stream went on while the prompt was read")
            slow.leave()
            // The reader has done with the slow prompt when it has read the next one.
            let next = try TestClient(port: port).post("/tokenize", #"{"prompt": "b"}"#)
            #expect(next.json["count"] == 2)
            #expect(generator.started == 1)
        }
    }

    @Test("A client that takes nothing is dropped once too much waits for it")
    func slowReader() throws {
        let text = String(repeating: "x", count: 10_000)
        let talking = ScriptedGenerator(isEndless: true) { _ in
            [ScriptedGenerator.output(0, text: text, token: 97)]
        }
        try withServer(talking, configure: { $0.limits.pendingOutputBytes = 200_000 }) { _, port in
            let client = try TestClient(port: port)
            client.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
            #expect(eventually { talking.cancelled == 1 })
            #expect(try TestClient(port: port).get("/health").status == 200)
        }
    }

    @Test("Thirty-two streams at a time get each its own text")
    func manyStreams() throws {
        try withServer(ScriptedGenerator(pace: .microseconds(500))) { _, port in
            let prompts = (0..<32).map { "stream number \($0) of 32" }
            let clients = try prompts.map { prompt in
                let client = try TestClient(port: port)
                client.sendPost("/v1/completions", #"{"prompt": "\#(prompt)", "stream": true}"#)
                return client
            }
            for (client, prompt) in zip(clients, prompts) {
                let text = try client.answer().events.compactMap {
                    $0["choices"]?.array?.first?["text"]?.string
                }
                #expect(text.joined() == prompt)
            }
        }
    }
}

@Suite("Other endpoints, over a socket")
struct EndpointTests {
    @Test("The models are listed, and found by names with slashes")
    func models() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let list = try client.get("/v1/models").json
            #expect(list["object"] == "list")
            #expect(list["data"]?.array?.map { $0["id"] } == ["test", "alias/one"])
            #expect(list["data"]?.array?.first?["max_model_len"] == 256)
            #expect(try client.get("/v1/models/alias/one").json["id"] == "alias/one")
            #expect(try client.get("/v1/models/alias%2Fone").json["id"] == "alias/one")
            let unknown = try client.get("/v1/models/other")
            #expect(unknown.status == 404 && unknown.error["code"] == "model_not_found")
        }
    }

    @Test("Text goes to ids and back")
    func tokenization() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let ids = try client.post("/tokenize", #"{"prompt": "hé"}"#).json
            #expect(ids == ["count": 4, "max_model_len": 256, "tokens": [256, 104, 195, 169]])
            let chat = #"{"messages": [{"role": "u", "content": "a"}]}"#
            #expect(try client.post("/tokenize", chat).json["count"] == 5)
            let text = try client.post("/detokenize", #"{"tokens": [104, 195, 169]}"#).json
            #expect(text["prompt"] == "hé")
            #expect(try client.post("/detokenize", #"{"tokens": [257]}"#).status == 400)
            #expect(try client.post("/tokenize", "{}").error["param"] == "prompt")
        }
    }

    @Test("With a key, only the life sign is open")
    func key() throws {
        try withServer(configure: { $0.apiKey = "secret" }) { _, port in
            let client = try TestClient(port: port)
            #expect(try client.get("/health").status == 200)
            for path in ["/v1/models", "/nowhere", "/version"] {
                let answer = try client.get(path, headers: "Authorization: Bearer wrong\r\n")
                #expect(answer.status == 401 && answer.error["code"] == "invalid_api_key")
            }
            let right = try client.get("/v1/models", headers: "Authorization: Bearer secret\r\n")
            #expect(right.status == 200)
        }
    }
}

@Suite("The end of a server")
struct ShutdownTests {
    @Test("A gentle stop lets streams end, takes no new client and closes idle ones")
    func gentle() throws {
        try withServer(ScriptedGenerator(pace: .milliseconds(20))) { server, port in
            let idle = try TestClient(port: port)
            #expect(try idle.get("/health").status == 200)
            let client = try TestClient(port: port)
            client.sendPost("/v1/completions", #"{"prompt": "abcdef", "stream": true}"#)
            _ = try client.take(through: "\r\n\r\n")
            server.stop()
            #expect(idle.isClosed())
            #expect(throws: Fixture.Missing.self) { try TestClient(port: port) }
            #expect(try client.take(through: "[DONE]").contains(#""finish_reason":"stop""#))
            #expect(client.isClosed())
        }
    }

    @Test("Streams that outlast the timeout, or a second stop, are cut and cancelled")
    func cut() throws {
        for stops in [1, 2] {
            let generator = ScriptedGenerator(pace: .milliseconds(1), isEndless: true) { _ in
                [ScriptedGenerator.output(0, text: "a", token: 97)]
            }
            let timeout = stops == 1 ? Duration.milliseconds(50) : .seconds(60)
            try withServer(generator, configure: { $0.shutdownTimeout = timeout }) { server, port in
                let client = try TestClient(port: port)
                client.sendPost("/v1/completions", #"{"prompt": "a", "stream": true}"#)
                _ = try client.take(through: "data: ")
                for _ in 0..<stops { server.stop() }
                #expect(client.isClosed())
                #expect(eventually { generator.cancelled == 1 })
            }
        }
    }

    @Test("A signal stops the server")
    func signals() throws {
        try withServer(configure: { $0.stopsOnSignals = [SIGUSR1] }) { _, port in
            let client = try TestClient(port: port)
            #expect(try client.get("/health").status == 200)
            kill(getpid(), SIGUSR1)
            #expect(client.isClosed())
        }
    }
}
