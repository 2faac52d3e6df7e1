// Fields of requests that are wrong, the values and their types: the continuation of BadInput.

import TernJSON

extension BadInput {
    /// Completions.
    static let completionFields: [BadInput] = [
        .completion(#""prompt": null"#, "prompt"), .completion(#""prompt": {}"#, "prompt"),
        .completion(#""prompt": []"#, "prompt"), .completion(#""prompt": [[]]"#, "prompt"),
        .completion(#""prompt": ["a", 1]"#, "prompt"), .completion(#""prompt": [257]"#, "prompt"),
        .completion(#""prompt": [-1]"#, "prompt"), .completion(#""prompt": [1.5]"#, "prompt"),
        .completion(
            #""prompt": "\#(String(repeating: "a", count: 300))""#, "prompt",
            names: "This model's maximum context length"),
        .completion(
            #""prompt": "\#(String(repeating: "a", count: 100_000))""#, "prompt",
            names: "This model's maximum context length"),
        .completion(
            #""prompt": \#(JSON.array(Array(repeating: "a", count: 1025)).text())"#, "prompt"),
        .completion(#""model": 5"#, "model"), .completion(#""max_tokens": 0"#, "max_tokens"),
        .completion(#""max_tokens": -1"#, "max_tokens"),
        .completion(#""max_tokens": 9223372036854775807"#, "max_tokens"),
        .completion(#""max_tokens": "9""#, "max_tokens"), .completion(#""n": 0"#, "n"),
        .completion(#""n": 129"#, "n"), .completion(#""n": 1e300"#, "n"),
        .completion(#""temperature": -1"#, "temperature"),
        .completion(#""temperature": "hot""#, "temperature"),
        .completion(#""temperature": 1e300"#, "temperature"), .completion(#""top_p": 0"#, "top_p"),
        .completion(#""top_k": -2"#, "top_k"), .completion(#""min_p": 1.5"#, "min_p"),
        .completion(#""seed": 0.5"#, "seed"), .completion(#""stop": """#, "stop"),
        .completion(#""stop": [1]"#, "stop"),
        .completion(#""stop": ["1","2","3","4","5"]"#, "stop"),
        .completion(#""stop": "\#(String(repeating: "s", count: 1025))""#, "stop"),
        .completion(#""stop_token_ids": [1e9]"#, "stop_token_ids"),
        .completion(#""logprobs": 21"#, "logprobs"), .completion(#""logprobs": true"#, "logprobs"),
        .completion(#""echo": "yes""#, "echo"), .completion(#""best_of": 2"#, "best_of"),
        .completion(#""presence_penalty": 3"#, "presence_penalty"),
        .completion(#""frequency_penalty": []"#, "frequency_penalty"),
        .completion(#""repetition_penalty": 0"#, "repetition_penalty"),
        .completion(#""logit_bias": {"a": 1}"#, "logit_bias"),
        .completion(#""logit_bias": {"5": 101}"#, "logit_bias"),
        .completion(#""logit_bias": {"-1": 1}"#, "logit_bias"),
        .completion(#""bad_words": [""]"#, "bad_words"),
        .completion(#""allowed_token_ids": []"#, "allowed_token_ids"),
        .completion(#""min_tokens": 99"#, "min_tokens"), .completion(#""stream": 1"#, "stream"),
        .completion(#""stream_options": {}"#, "stream_options"),
        .completion(#""suffix": "z""#, "suffix"), .completion(#""cache_salt": 1"#, "cache_salt"),
        .completion(#""guided_regex": "(a+)+$""#, "guided_regex"),
    ]

    /// Chats.
    static let chatFields: [BadInput] = [
        .chat(#""messages": null"#, "messages"), .chat(#""messages": []"#, "messages"),
        .chat(#""messages": "hi""#, "messages"), .chat(#""messages": [1]"#, "messages[0]"),
        .chat(#""messages": [{"content": "a"}]"#, "messages[0].role"),
        .chat(#""messages": [{"role": "user"}]"#, "messages[0].content"),
        .chat(#""messages": [{"role": "user", "content": 5}]"#, "messages[0].content"),
        .chat(
            #""messages": [{"role": "user", "content": [{"type": "image_url"}]}]"#,
            "messages[0].content[0]"),
        .chat(#""top_logprobs": 2"#, "top_logprobs"),
        .chat(#""logprobs": true, "top_logprobs": 21"#, "top_logprobs"),
        .chat(#""max_completion_tokens": 0"#, "max_completion_tokens"),
        .chat(#""chat_template": "{{ x }}""#, "chat_template"),
        .chat(#""chat_template_kwargs": 1"#, "chat_template_kwargs"),
        .chat(#""continue_final_message": 1"#, "continue_final_message"),
        .chat(#""tools": {}"#, "tools"), .chat(#""tools": [{"type": "x"}]"#, "tools[0]"),
        .chat(#""tool_choice": "required""#, "tool_choice"),
        .chat(#""response_format": "json""#, "response_format"),
        .chat(#""response_format": {"type": "xml"}"#, "response_format.type"),
        .chat(#""response_format": {"type": "json_schema"}"#, "response_format.json_schema"),
        .chat(
            #""response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "x"}}}"#,
            "response_format"),
        .chat(#""guided_json": "{""#, "guided_json"),
    ]
}
