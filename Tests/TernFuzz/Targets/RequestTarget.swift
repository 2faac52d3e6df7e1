// Fuzzes the bodies of requests: every field of every endpoint, with the model behind them.

/// The endpoints, over a socket.
enum RequestTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let server = try LiveServer(corpus)
        return FuzzTarget(
            name: "request", language: .json, seeds: bodies.map { Array($0.utf8) },
            words: [
                "\"n\":", "\"stop\":", "1e99", "\\ud800", "\u{0}", "<|end|>", "null", "[[", "]]",
            ],
            inputBytes: 1 << 18, memoryBytes: 4 << 30
        ) { input in
            let text = String(decoding: input, as: UTF8.self)
            let path =
                if text.contains("\"messages\"") {
                    "/v1/chat/completions"
                } else if text.contains("\"tokens\"") {
                    "/detokenize"
                } else {
                    input.count % 4 == 0 ? "/tokenize" : "/v1/completions"
                }
            let head =
                "POST \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                + "Content-Length: \(input.count)\r\n\r\n"
            server.exchange(Array(head.utf8) + input, pieces: 1 << 16, patience: .seconds(15))
            if input.count % 16 == 0 { server.checkLife() }
        }
    }

    private static let bodies = [
        #"{"prompt": "The hero", "max_tokens": 3, "temperature": 0, "logprobs": 2, "echo": true}"#,
        #"""
        {"model": "telemachus", "prompt": ["a", "b"], "max_tokens": 2, "n": 2, "stream": true,
         "stream_options": {"include_usage": true, "continuous_usage_stats": true}, "seed": 7,
         "top_p": 0.5, "top_k": 5, "min_p": 0.1, "stop": ["x", "yz"], "stop_token_ids": [3],
         "repetition_penalty": 1.1, "presence_penalty": 0.5, "frequency_penalty": -0.5,
         "logit_bias": {"5": -100}, "bad_words": ["he"], "allowed_token_ids": [5, 6, 7],
         "min_tokens": 1, "ignore_eos": true, "cache_salt": "s", "best_of": 2, "suffix": null}
        """#,
        #"{"prompt": [[1, 2], [3]], "max_tokens": 1, "prompt_logprobs": 1, "user": "u"}"#,
        #"""
        {"messages": [{"role": "system", "content": "terse"}, {"role": "user", "content":
         [{"type": "text", "text": "hi"}]}, {"role": "assistant", "content": null, "tool_calls":
         [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
         {"role": "tool", "content": "1", "tool_call_id": "1"}, {"role": "user", "content": "x"}],
         "max_completion_tokens": 3, "logprobs": true, "top_logprobs": 2, "stream": true,
         "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
         "tool_choice": "auto", "parallel_tool_calls": false, "chat_template_kwargs": {"a": 1}}
        """#,
        #"""
        {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "response_format":
         {"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": {"type":
         "object", "properties": {"a": {"type": "string", "minLength": 1, "maxLength": 9}, "b":
         {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 3},
         "c": {"enum": ["x", 1, null]}, "d": {"anyOf": [{"type": "number"}, {"const": true}]},
         "e": {"$ref": "#/$defs/n"}}, "required": ["a"], "additionalProperties": false, "$defs":
         {"n": {"type": ["object", "null"], "properties": {"n": {"$ref": "#/$defs/n"}}}}}}}}
        """#,
        #"{"messages": [{"role": "user", "content": "hi"}], "response_format": {"type": "json_object"}, "max_tokens": 2}"#,
        #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "continue_final_message": true, "add_generation_prompt": false, "max_tokens": 1}"#,
        #"{"tokens": [1, 2, 3]}"#, #"{"prompt": "text", "add_special_tokens": false}"#,
    ]
}
