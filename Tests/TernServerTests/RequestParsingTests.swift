import TernJSON
import TernPlanning
import Testing

@testable import TernEngine
@testable import TernServer

private let model = ServedModel(ScriptedGenerator(), names: ["test", "alias/one"])

private func completion(_ text: String) throws -> GenerationCall {
    try Completions.call(RequestFields(body: Array(text.utf8)), model: model)
}

private func chat(_ text: String) throws -> GenerationCall {
    try ChatCompletions.call(RequestFields(body: Array(text.utf8)), model: model)
}

@Suite("From JSON to a call")
struct RequestParsingTests {
    @Test("What a completion leaves out comes from the model, and 16 tokens are the most")
    func completionDefaults() throws {
        let call = try completion(#"{"prompt": "ab"}"#)
        #expect(call.model == "test" && !call.streams && call.choiceCount == 1)
        #expect(call.prompts[0].prompt == [256, 97, 98])
        var adjustments = LogitAdjustments()
        adjustments.repetitionPenalty = 1.25
        #expect(
            call.prompts[0].parameters
                == SamplingParameters(
                    temperature: 0.5, topK: 7, seed: 99, adjustments: adjustments, maxTokens: 16,
                    endOfSequenceIDs: [256]))
    }

    @Test(
        "The largest integers are refused, not added up",
        arguments: ["max_tokens", "min_tokens", "n", "top_k", "logprobs"])
    func largestIntegers(field: String) {
        let text = #"{"prompt": "a", "\#(field)": 9223372036854775807}"#
        #expect("\(field)") {
            try completion(text)
        } throws: { ($0 as? APIError)?.parameter == field }
        let message = #"{"messages": [{"role": "user", "content": "a"}], "\#(field)": -9e18}"#
        #expect(throws: APIError.self) { try chat(message) }
    }

    @Test("Every field of a completion arrives where it belongs")
    func completionFields() throws {
        let call = try completion(
            """
            {"model": "alias/one", "prompt": [1, 2], "max_tokens": 9, "min_tokens": 3,
             "temperature": 0, "top_p": 0.5, "top_k": -1, "min_p": 0.25, "n": 2, "seed": -1,
             "stop": "x", "stop_token_ids": [4], "ignore_eos": true, "logprobs": 3,
             "stream": true, "stream_options": {"include_usage": true}, "cache_salt": "s",
             "user": "u", "unheard_of": {"a": 1}, "echo": false, "best_of": 2, "tools": null,
             "frequency_penalty": 0.0, "repetition_penalty": 1, "logit_bias": {}, "response_format": {"type": "text"}}
            """)
        let request = call.prompts[0]
        #expect(call.model == "alias/one" && call.streams && call.includesUsage)
        #expect(request.prompt == [1, 2] && request.choices == 2 && request.cacheSalt == "s")
        #expect(request.stopStrings == ["x"])
        #expect(
            request.parameters
                == SamplingParameters(
                    temperature: 0, topP: 0.5, topK: 0, minP: 0.25, seed: UInt64.max, logprobs: 3,
                    maxTokens: 9, minTokens: 3, ignoreEOS: true, stopTokenIDs: [4],
                    endOfSequenceIDs: [256]))
    }

    @Test("Penalties, biases, words and allowed ids arrive in both endpoints")
    func adjustments() throws {
        let fields = """
            "repetition_penalty": 1.5, "presence_penalty": -2, "frequency_penalty": 0.5,
            "logit_bias": {"5": 1, "256": -100.0}, "bad_words": ["no", [7, 8]],
            "allowed_token_ids": [5, 6, 32]
            """
        var expected = LogitAdjustments()
        expected.repetitionPenalty = 1.5
        expected.presencePenalty = -2
        expected.frequencyPenalty = 0.5
        expected.logitBias = [5: 1, 256: -100]
        // The word after a space has another length here, where bytes are tokens.
        expected.badWords = [[110, 111], [7, 8]]
        expected.allowedTokenIDs = [5, 6, 32]
        let message = #""messages": [{"role": "user", "content": "a"}]"#
        let requests = [
            try completion("{\"prompt\": \"a\", \(fields)}"), try chat("{\(message), \(fields)}"),
        ]
        for call in requests { #expect(call.prompts[0].parameters.adjustments == expected) }
    }

    @Test("echo asks for the prompt's logprobs as far as logprobs does, and may end there")
    func echo() throws {
        let both = try completion(
            #"{"prompt": [[97], [98]], "echo": true, "logprobs": 2, "prompt_logprobs": 4}"#)
        #expect(both.prompts.map(\.parameters.promptLogprobs) == [4, 4])
        #expect(both.wishes.echoes == ["a", "b"] && both.wishes.logprobs == 4)
        let more = try completion(
            #"{"prompt": "a", "echo": true, "logprobs": 3, "prompt_logprobs": 1}"#)
        #expect(more.prompts[0].parameters.promptLogprobs == 3 && more.wishes.logprobs == 1)
        let alone = try completion(#"{"prompt": "a", "echo": true, "max_tokens": 0}"#)
        #expect(alone.prompts[0].parameters.promptLogprobs == nil && alone.wishes.endsThere)
        #expect(alone.prompts[0].parameters.maxTokens == 1 && alone.wishes.logprobs == nil)
    }

    @Test("A prompt is a text, ids, or a list of either")
    func prompts() throws {
        let cases: [(String, [[TokenID]])] = [
            (#""a""#, [[256, 97]]), (#"["a", "b"]"#, [[256, 97], [256, 98]]), ("[1, 2]", [[1, 2]]),
            ("[[1], [2, 3]]", [[1], [2, 3]]), (#"["a"]"#, [[256, 97]]),
        ]
        for (text, tokens) in cases {
            #expect(try completion(#"{"prompt": \#(text)}"#).prompts.map(\.prompt) == tokens)
        }
        let plain = try completion(#"{"prompt": "a", "add_special_tokens": false}"#)
        #expect(plain.prompts[0].prompt == [97])
    }

    @Test("A chat goes through the template, and may fill the context")
    func chatFields() throws {
        let call = try chat(
            """
            {"messages": [{"role": "system", "content": [{"type": "text", "text": "x"},
             {"type": "text", "text": "y"}]}, {"role": "user", "content": "hi", "name": "n"}],
             "logprobs": true, "top_logprobs": 2, "max_tokens": null, "stop": ["a", "b"]}
            """)
        let prompt = "system:x\ny\nuser:hi\n>"
        #expect(call.prompts[0].prompt == prompt.utf8.map { TokenID($0) })
        #expect(call.prompts[0].parameters.maxTokens == 256 - prompt.utf8.count)
        #expect(call.prompts[0].parameters.logprobs == 2)
        #expect(call.prompts[0].stopStrings == ["a", "b"])
        let short = try chat(
            """
            {"messages": [{"role": "assistant"}], "add_generation_prompt": false,
             "max_tokens": 3, "max_completion_tokens": 4, "logprobs": true}
            """)
        #expect(short.prompts[0].prompt == "assistant:\n".utf8.map { TokenID($0) })
        #expect(short.prompts[0].parameters.maxTokens == 4)
        #expect(short.prompts[0].parameters.logprobs == 0)
    }

    @Test("A last message that is to be continued ends the prompt, without a generation prompt")
    func continuesFinalMessage() throws {
        let messages =
            #""messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "I"}]"#
        for adds in ["", #", "add_generation_prompt": false"#] {
            let call = try chat("{\(messages), \"continue_final_message\": true\(adds)}")
            #expect(call.prompts[0].prompt == "user:hi\nassistant:I".utf8.map { TokenID($0) })
        }
        let call = try chat("{\(messages), \"continue_final_message\": false}")
        #expect(call.prompts[0].prompt == "user:hi\nassistant:I\n>".utf8.map { TokenID($0) })
    }

    @Test("A field that is wrong is named, with what was found and what is allowed")
    func completionRefusals() {
        let cases = [
            (#""temperature": -0.5"#, "temperature"), (#""temperature": 2.5"#, "temperature"),
            (#""temperature": "hot""#, "temperature"), (#""top_p": 0"#, "top_p"),
            (#""top_p": 1.5"#, "top_p"), (#""top_k": -2"#, "top_k"), (#""min_p": 2"#, "min_p"),
            (#""n": 0"#, "n"), (#""n": 129"#, "n"), (#""n": 1.5"#, "n"),
            (#""max_tokens": 0"#, "max_tokens"), (#""max_tokens": "9""#, "max_tokens"),
            (#""max_tokens": 255"#, "prompt"), (#""min_tokens": 17"#, "min_tokens"),
            (#""min_tokens": -1"#, "min_tokens"), (#""seed": 1e30"#, "seed"),
            (#""stop": ["1", "2", "3", "4", "5"]"#, "stop"), (#""stop": """#, "stop"),
            (#""stop": [1]"#, "stop"), (#""stop_token_ids": [257]"#, "stop_token_ids"),
            (#""stop_token_ids": 7"#, "stop_token_ids"), (#""logprobs": 21"#, "logprobs"),
            (#""logprobs": true"#, "logprobs"), (#""echo": 1"#, "echo"),
            (#""best_of": 2"#, "best_of"), (#""presence_penalty": 2.1"#, "presence_penalty"),
            (#""presence_penalty": "1""#, "presence_penalty"),
            (#""frequency_penalty": -3"#, "frequency_penalty"),
            (#""repetition_penalty": 0"#, "repetition_penalty"),
            (#""repetition_penalty": -1"#, "repetition_penalty"),
            (#""logit_bias": {"5": 101}"#, "logit_bias"), (#""suffix": "z""#, "suffix"),
            (#""logit_bias": {"257": 1}"#, "logit_bias"), (#""logit_bias": [1]"#, "logit_bias"),
            (#""logit_bias": {"a": 1}"#, "logit_bias"),
            (#""logit_bias": {"5": "1"}"#, "logit_bias"),
            (#""bad_words": "a""#, "bad_words"), (#""bad_words": [""]"#, "bad_words"),
            (#""bad_words": [[]]"#, "bad_words"), (#""bad_words": [[257]]"#, "bad_words"),
            (
                #""bad_words": \#(JSON.array(Array(repeating: "a", count: 129)).text())"#,
                "bad_words"
            ),
            (#""bad_words": ["\#(String(repeating: "a", count: 1025))"]"#, "bad_words"),
            (#""bad_words": [1]"#, "bad_words"), (#""allowed_token_ids": []"#, "allowed_token_ids"),
            (#""allowed_token_ids": [257]"#, "allowed_token_ids"),
            (#""allowed_token_ids": 5"#, "allowed_token_ids"),
            (#""prompt_logprobs": 21"#, "prompt_logprobs"),
            (#""prompt_logprobs": -1"#, "prompt_logprobs"),
            (#""prompt_logprobs": 1, "stream": true"#, "prompt_logprobs"),
            (#""stream": "yes""#, "stream"), (#""ignore_eos": 1"#, "ignore_eos"),
            (#""stream_options": {"include_usage": true}"#, "stream_options"),
            (#""stream": true, "stream_options": {"include_usage": 1}"#, "include_usage"),
            (#""prompt": """# + ", \"add_special_tokens\": false", "prompt"),
            (
                #""n": 128, "prompt": \#(JSON.array(Array(repeating: "a", count: 33)).text())"#, "n"
            ),
            (#""prompt": []"#, "prompt"), (#""prompt": [[]]"#, "prompt"),
            (#""prompt": [256, 257]"#, "prompt"), (#""prompt": [-1]"#, "prompt"),
            (#""prompt": ["a", 1]"#, "prompt"), (#""prompt": null"#, "prompt"),
            (#""prompt": {"a": 1}"#, "prompt"), (#""cache_salt": 5"#, "cache_salt"),
        ]
        for (field, name) in cases {
            #expect("\(field)") {
                try completion(#"{"prompt": "a", \#(field)}"#)
            } throws: {
                guard let error = $0 as? APIError else { return false }
                return error.status == .badRequest && error.parameter == name
                    && !error.message.isEmpty
            }
        }
    }

    @Test("A chat field that is wrong is named by its place")
    func chatRefusals() {
        let user = #""messages": [{"role": "user", "content": "a"}]"#
        let cases = [
            (#""messages": []"#, "messages"), (#""messages": "hi""#, "messages"),
            (#""messages": [{"content": "a"}]"#, "messages[0].role"),
            (#""messages": [{"role": "user"}]"#, "messages[0].content"),
            (#""messages": [{"role": "user", "content": 5}]"#, "messages[0].content"),
            (
                #""messages": [{"role": "user", "content": [{"type": "image_url"}]}]"#,
                "messages[0].content[0]"
            ),
            (user + #", "tools": [{"type": "function"}]"#, "tools[0]"),
            (user + #", "tool_choice": "required""#, "tool_choice"),
            (user + #", "response_format": {"type": "xml"}"#, "response_format.type"),
            (user + #", "top_logprobs": 2"#, "top_logprobs"), (user + #", "echo": true"#, "echo"),
            (user + #", "logit_bias": {"1": -101}"#, "logit_bias"),
            (user + #", "logprobs": true, "top_logprobs": 21"#, "top_logprobs"),
            (user + #", "chat_template": "x""#, "chat_template"),
            (user + #", "continue_final_message": 1"#, "continue_final_message"),
            (
                user + #", "continue_final_message": true, "add_generation_prompt": true"#,
                "continue_final_message"
            ),
            (user + #", "chat_template_kwargs": {"refuse": "no"}"#, "messages"),
        ]
        for (fields, name) in cases {
            #expect("\(fields)") {
                try chat("{\(fields)}")
            } throws: {
                ($0 as? APIError)?.parameter == name
            }
        }
    }

    @Test("A model that is not served is 404")
    func unknownModel() {
        #expect {
            try completion(#"{"model": "other", "prompt": "a"}"#)
        } throws: {
            $0 as? APIError
                == APIError(
                    .notFound, "The model `other` does not exist.", parameter: "model",
                    code: "model_not_found")
        }
    }

    @Test("A prompt that cannot fit is refused by its bytes, one that does not by its tokens")
    func tooLong() {
        let byTokens = String(repeating: "a", count: 300)
        #expect {
            try completion(#"{"prompt": "\#(byTokens)"}"#)
        } throws: {
            ($0 as? APIError)?.message
                == "This model's maximum context length is 256 tokens. However, your prompt "
                + "resulted in 301 tokens. Please reduce the length of the prompt."
        }
        let byBytes = String(repeating: "a", count: 256 * 3 * 3 + 1)
        #expect {
            try chat(#"{"messages": [{"role": "user", "content": "\#(byBytes)"}]}"#)
        } throws: {
            let error = $0 as? APIError
            return error?.code == "context_length_exceeded"
                && error?.message.contains("2305 bytes") == true
        }
        // What just fits is taken, and the default of 16 gives way.
        let call = try? completion(#"{"prompt": "\#(String(repeating: "a", count: 250))"}"#)
        #expect(call?.prompts[0].parameters.maxTokens == 5)
    }

    @Test("A body that is no object is refused with the place")
    func bodies() {
        for text in ["", "[1]", "{\"prompt\": }", "{\"prompt\": \"\u{1}\"}", "nonsense"] {
            #expect("\(text)") {
                try completion(text)
            } throws: {
                ($0 as? APIError)?.message.hasPrefix("body: ") == true
            }
        }
    }
}
