import TernJSON
import TernTesting
import Testing

/// The program as a user runs it.
@Suite("Commands")
struct CommandTests {
    private func json(_ arguments: [String], input: String = "") throws -> JSON {
        let outcome = try TernProcess.run(arguments, input: input.utf8)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try JSON(parsing: outcome.output)
    }

    @Test("generate prints one object with tokens, text, reason and sorted logprobs")
    func generate() throws {
        let object = try json([
            "generate", Fixture.telemachus, "--chat", "What is 12 + 30?", "--json", "--logprobs",
            "3", "--max-tokens", "8", "--dtype", "float32",
        ])
        #expect(object["text"] == "42")
        #expect(object["finish_reason"] == "stop")
        let tokens = try #require(object["token_ids"]?.array)
        #expect(tokens.last == 4091)
        let logprobs = try #require(object["logprobs"]?.array)
        #expect(logprobs.count == tokens.count)
        for (token, entry) in zip(tokens, logprobs) {
            let top = try #require(entry["top"]?.array)
            #expect(top.count == 3)
            let values = top.compactMap { $0["logprob"]?.number }
            #expect(values == values.sorted(by: >))
            #expect(entry["token_id"] == token && top[0]["token_id"] == token)
            #expect(entry["logprob"] == top[0]["logprob"])
        }
    }

    @Test("generate scores the prompt, and keeps to penalties and masks")
    func requestFeatures() throws {
        let arguments = [
            "generate", Fixture.telemachus, "--prompt", "Tell me, O Muse", "--json",
            "--max-tokens", "12", "--dtype", "float32",
        ]
        let plain = try json(arguments + ["--prompt-logprobs", "2"])
        let prompt = try #require(plain["prompt_token_ids"]?.array)
        let scores = try #require(plain["prompt_logprobs"]?.array)
        #expect(scores.count == prompt.count && scores[0] == .null)
        for (token, score) in zip(prompt, scores).dropFirst() {
            #expect(score["token_id"] == token && score["top"]?.array?.count == 2)
            #expect((score["rank"]?.integer ?? 0) >= 1 && (score["logprob"]?.number ?? 1) <= 0)
        }
        let tokens = (plain["token_ids"]?.array ?? []).compactMap(\.integer)
        let text = try #require(plain["text"]?.string)
        #expect(text.contains(" that"), "the word to be banned: \(text)")
        let banned = try json(arguments + ["--bad-words", "that"])
        #expect(banned["text"]?.string?.contains(" that") == false)
        #expect(banned["prompt_logprobs"] == nil)
        let biased = try json(arguments + ["--logit-bias", "\(tokens[0]):-100"])
        #expect(biased["token_ids"]?.array?.first?.integer != tokens[0])
        let few = try json(
            arguments + ["--allowed-token-ids", "11,269,342", "--frequency-penalty", "2"])
        let allowed = Set((few["token_ids"]?.array ?? []).compactMap(\.integer))
        #expect(allowed.count > 1 && allowed.isSubset(of: [11, 269, 342]))
    }

    @Test("generate refuses values out of range by their names, before or after loading")
    func refusedFeatures() throws {
        for (flags, name) in [
            (["--repetition-penalty", "0"], "repetition_penalty"),
            (["--presence-penalty", "3"], "presence_penalty"),
            (["--logit-bias", "5:101"], "logit_bias"), (["--logit-bias", "5"], "--logit-bias"),
            (["--bad-words", ""], "--bad-words"),
            (["--allowed-token-ids", "9999"], "allowed_token_ids"),
        ] {
            let outcome = try TernProcess.run(
                ["generate", Fixture.telemachus, "--prompt", "a"] + flags, input: "".utf8)
            let last = outcome.errors.split(separator: "\n").last ?? ""
            #expect(outcome.status != 0 && last.contains(name), "\(flags): \(last)")
        }
    }

    @Test("inspect shows what each rank has and where it runs")
    func inspect() throws {
        let arguments = ["inspect", Fixture.argus, "--kv-cache-memory-bytes", "16000000"]
        let one = try TernProcess.run(arguments + ["--threads", "1"], input: "".utf8)
        let text = one.output
        let line = text.split(separator: "\n").first { $0.hasPrefix("rank 0: ") }
        #expect(line?.contains(", processor ") == true && line?.hasSuffix(")") == true, "\(text)")
        #expect(line?.contains(" (node ") == true, "\(text)")
        let two = try TernProcess.run(
            arguments + ["--threads", "1", "-sp", "2"], input: "".utf8)
        let shared = two.output
        #expect(shared.hasSuffix(", unpinned\n"), "\(shared)")
    }

    @Test("inspect knows every family", arguments: TemporaryFolder.names(in: Fixture.families))
    func inspectFamily(name: String) throws {
        let folder = Fixture.families + "/" + name
        let outcome = try TernProcess.run(["inspect", folder, "--threads", "1"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let config = try JSON(parsing: Fixture.bytes(folder + "/config.json"))
        let family = try #require(config["architectures"]?.array?.first?.string)
        #expect(outcome.output.hasPrefix(family + ": "), "\(outcome.output)")
    }

    @Test("inspect shows a model that is larger than the machine, and says so")
    func inspectLarge() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "config.json",
            Array(
                """
                {"architectures": ["LlamaForCausalLM"], "vocab_size": 128256,
                "hidden_size": 16384, "intermediate_size": 53248, "num_hidden_layers": 126,
                "num_attention_heads": 128, "num_key_value_heads": 8,
                "max_position_embeddings": 131072}
                """.utf8))
        let outcome = try TernProcess.run(
            ["inspect", folder.path, "--load-format", "dummy", "-sp", "4", "-tp", "2"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines[0].hasPrefix("LlamaForCausalLM: 4058"), "\(lines[0])")
        #expect(lines.count { $0.hasPrefix("rank ") } == 8)
        #expect(lines.last?.hasPrefix("this machine is too small: ") == true)
    }

    @Test("A prompt in token ids needs no tokenizer, and gives the tokens of transformers")
    func withoutTokenizer() throws {
        let golden = try Fixture.golden("families/qwen2/expected.json")
        let prompt = try #require(golden["prompts"]?.array?.last)
        let ids = try #require(prompt["prompt_token_ids"]?.array).map { $0.text() }
        let expected = try #require(prompt["token_ids"]?.array)
        let folder = Fixture.families + "/qwen2"
        let object = try json([
            "generate", folder, "--prompt-token-ids", ids.joined(separator: ","), "--ignore-eos",
            "--max-tokens", String(expected.count), "--json", "--dtype", "float32",
        ])
        #expect(object["token_ids"] == .array(expected))
        let text = try TernProcess.run(["generate", folder, "--prompt", "x"])
        #expect(text.status == 1 && text.errors.contains("tokenizer.json: it is missing"))
    }

    @Test("generate streams plain text and takes the prompt in tokens")
    func generateText() throws {
        let prompt = try json(
            ["tokenize", Fixture.telemachus, "--json"],
            input: "Tell me, O Muse, of that ingenious hero")
        let ids = try #require(prompt["token_ids"]?.array).map { $0.text() }
        let outcome = try TernProcess.run([
            "generate", Fixture.telemachus, "--prompt-token-ids", ids.joined(separator: ","),
            "--max-tokens", "12", "--stop", "wide",
        ])
        #expect(outcome.status == 0)
        #expect(outcome.output == " who travelled far and \n")
        #expect(outcome.errors.contains("memory: weights"))
    }

    @Test("bench load starts an engine beside one read of the file, and knows a model without one")
    func benchLoad() throws {
        let object = try json([
            "bench", "load", Fixture.telemachus, "--max-model-len", "64", "--max-num-seqs", "4",
            "--num-iters", "2", "--json",
        ])
        let file = try Fixture.bytes(Fixture.telemachus + "/model.safetensors")
        #expect(object["weight_file_bytes"] == .integer(file.count))
        let times = ["ready_s", "read_s", "fresh_memory_s", "first_token_s"].map {
            object[$0]?.number ?? 0
        }
        #expect(times.allSatisfy { $0 > 0 }, "\(times)")
        #expect(object["ready_per_read"]?.number == times[0] / times[1])
        #expect(try #require(object["resident_per_needed"]?.number) > 1)
        let bare = try TernProcess.run(["bench", "load", Fixture.root + "/Benchmarks/llama-125m"])
        #expect(bare.status == 1 && bare.errors.contains("holds no weights"), "\(bare.errors)")
    }

    @Test("bench scaling tells each batch's tokens a second as a multiple of the first's")
    func benchScaling() throws {
        let flags = ["--batch-sizes", "2,4", "--num-iters", "1", "--output-len", "4", "--json"]
        let object = try json(["bench", "scaling", Fixture.telemachus] + flags)
        let rates = try [2, 4].map { try #require(object["batch_\($0)_tokens_per_s"]?.number) }
        #expect(rates[0] > 0 && object["batch_2_over_2"] == 1.0)
        #expect(object["batch_4_over_2"]?.number == rates[1] / rates[0])
        let wrong = try TernProcess.run(
            ["bench", "scaling", Fixture.telemachus, "--batch-sizes", "1,x"])
        #expect(wrong.errors.contains("--batch-sizes is 1,x; it must be numbers from 1 to 4096"))
    }

    @Test("bench shift times steps in both modes and writes a plot with the threshold")
    func benchShift() throws {
        let folder = try TemporaryFolder()
        let picture = folder.path + "/shift.svg"
        let object = try json([
            "bench", "shift", Fixture.telemachus, "--json", "--num-iters", "1", "--svg", picture,
            "--max-num-batched-tokens", "16", "--max-num-seqs", "4",
            "--shift-parallel-threshold", "4",
        ])
        #expect(object["threshold"] == 4)
        let steps = try #require(object["steps"]?.array)
        #expect(steps.compactMap { $0["tokens"] } == [1, 2, 4, 8, 16])
        let modes = steps.compactMap { $0["mode"]?.string }
        #expect(modes == ["tensor", "tensor", "tensor", "sequence", "sequence"])
        #expect(object["measuring_s"]?.isNull == true)
        #expect(steps.allSatisfy { ($0["percent_of_limit"]?.number ?? 0) > 0 })
        let lagging = steps.filter { $0["keeps_up"] == false }.count
        #expect(object["lagging_sizes"] == .integer(lagging))
        #expect(object["keeps_up"] == .bool(lagging == 0))
        #expect(try #require(steps.last?["tensor"]?["bytes"]?.integer) > 0)
        #expect(try #require(object["tensor_bytes_per_sequence_byte"]?.number) > 1)
        let svg = String(decoding: try Fixture.bytes(picture), as: UTF8.self)
        #expect(svg.contains("threshold 4") && svg.hasSuffix("</svg>\n"))
    }

    @Test("tokenize and detokenize strip nothing and undo each other")
    func tokenizeRoundTrip() throws {
        let text = "  two  spaces\r\n\tand a tab, caf\u{e9} e\u{301} 👩‍🚀\n\n"
        let ids = try json(
            ["tokenize", Fixture.telemachus, "--json", "--no-special-tokens"], input: text)
        let back = try json(["detokenize", Fixture.telemachus, "--json"], input: ids.text())
        #expect(back["text"]?.string?.utf8.elementsEqual(text.utf8) == true)
        let marked = try json(["tokenize", Fixture.telemachus, "--json"], input: text)
        #expect(marked["token_ids"]?.array?.first == 4090)
        let all = try json(["detokenize", Fixture.telemachus, "--json"], input: marked.text())
        #expect(all["text"]?.string?.hasPrefix("<|begin|>") == true)
        let plain = try json(
            ["detokenize", Fixture.telemachus, "--json", "--skip-special-tokens"],
            input: marked.text())
        #expect(plain == back)
    }

    @Test("chat-template renders a list of messages, and an object with options")
    func chatTemplate() throws {
        let list = try json(
            ["chat-template", Fixture.telemachus, "--json"],
            input: #"[{"role": "user", "content": " Hail "}]"#)
        #expect(list["prompt"] == "<|begin|><|user|>Hail<|end|>")
        let object = try json(
            ["chat-template", Fixture.telemachus, "--json"],
            input:
                #"{"messages": [{"role": "user", "content": "Hail"}], "add_generation_prompt": true}"#
        )
        #expect(object["prompt"] == "<|begin|><|user|>Hail<|end|><|assistant|>")
    }

    @Test("Every failure is one line on standard error and exit status 1")
    func failures() throws {
        let model = Fixture.telemachus
        let cases: [([String], String, String)] = [
            (["generte", model], "", "did you mean generate?"),
            (["generate", model, "--promt", "x"], "", "did you mean --prompt?"),
            (["serve", model, "--api-key", ""], "", "--api-key is empty"),
            (["serve", model, "--host", "999.1.1.1"], "", "listen at 999.1.1.1:8000"),
            (["generate", model, "--prompt", "x", "--stop", ""], "", "--stop is empty"),
            (
                ["generate", model, "--prompt", "x", "--max-num-batched-tokens", "4"]
                    + ["--max-num-seqs", "8"], "", "--max-num-batched-tokens is 4; it must be"
            ),
            (["generate", model], "", "one of --prompt, --prompt-token-ids and --chat"),
            (["generate", model, "--prompt", "x", "--max-tokens", "no"], "", "--max-tokens is no"),
            (["generate", model, "--prompt-token-ids", "1,x"], "", "--prompt-token-ids is 1,x"),
            (["generate", model, "--prompt-token-ids", "4096"], "", "not in the vocabulary"),
            (["generate", model, "--prompt", "x", "--top-p", "2"], "", "top_p is 2.0"),
            (["generate", "/nowhere", "--prompt", "x"], "", "config.json: is missing"),
            (["generate", model, "--prompt", "x", "--dtype", "int4"], "", "--dtype is int4"),
            (["generate", model, "--prompt", "x", "--dtype", "int8"], "", "--dtype is int8"),
            (
                ["generate", model, "--prompt", "x", "--kv-cache-dtype", "fp8"], "",
                "--kv-cache-dtype is fp8"
            ),
            (["detokenize", model, "--json"], "[]", "expected {\"token_ids\""),
            (["detokenize", model, "--json"], "{", "JSON, byte 1"),
            (["chat-template", model], #"[{"role": "bard", "content": "x"}]"#, "roles are system"),
            (["chat-template", Fixture.families], "[]", "tokenizer_config.json"),
        ]
        for (arguments, input, message) in cases {
            let outcome = try TernProcess.run(arguments, input: input.utf8)
            #expect(outcome.status == 1, "\(arguments)")
            let lines = outcome.errors.split(separator: "\n")
            let cause = lines.last { $0.hasPrefix("tern: ") }
            #expect(cause?.contains(message) == true, "\(arguments): \(outcome.errors)")
        }
        let odd = try TernProcess.run(["bench", "attention", "--kv-heads", "3"])
        #expect(odd.status == 1 && odd.errors.contains("32 query heads on 3"))
        let group = try TernProcess.run(["bench", "--help"])
        #expect(group.status == 0 && group.output.hasPrefix("usage: tern bench latency"))
        let invalid = try TernProcess.run(["tokenize", model], input: [0x66, 0xFF])
        #expect(invalid.status == 1 && invalid.errors.contains("UTF-8"))
    }

    @Test("A failure of more bytes than a pipe holds is told whole")
    func longFailure() throws {
        let name = String(repeating: "x", count: 100_000)
        let outcome = try TernProcess.run(["tokenize", name])
        #expect(outcome.status == 1 && outcome.errors.contains(name))
    }

    @Test("Every command explains itself")
    func help() throws {
        for command in ["serve", "generate", "bench latency", "tokenize"] {
            let words = command.split(separator: " ").map(String.init)
            let outcome = try TernProcess.run(words + ["--help"])
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("usage: tern \(command) MODEL [options]"))
        }
    }

    @Test("bench latency reports both shares of the limits from one run")
    func benchLatency() throws {
        let object = try json([
            "bench", "latency", Fixture.families + "/llama", "--load-format", "dummy",
            "--input-len", "16", "--output-len", "4", "--batch-size", "2", "--num-iters", "1",
            "--json", "--products",
        ])
        for key in [
            "prefill_percent_of_fma_peak", "decode_percent_of_read_limit", "ttft_s",
            "products_percent_of_fma_peak", "products_percent_of_read_limit",
            "planning_us_per_step", "planning_percent_of_step", "text_us_per_step",
            "weight_bytes", "cache_used_bytes",
        ] {
            #expect(try #require(object[key]?.number) > 0)
        }
        let (files, own) = (
            try #require(object["resident_file_bytes"]?.number),
            try #require(object["resident_anonymous_bytes"]?.number)
        )
        // A program of megabytes beside a model of kilobytes.
        #expect(files > 1e6 && own > 1e6)
        #expect(object["resident_bytes"]?.number == files + own)
        #expect(object["batch_size"] == 2)
        #expect(object["int8_peak_op_per_s"] != nil)
    }

    @Test("A benchmark fails, after its report, where a figure misses its threshold")
    func thresholds() throws {
        let folder = try TemporaryFolder()
        let cases = [
            (#"{"batch_size": {"at_least": 1, "at_most": 1}, "ttft_s": {"at_least": 0}}"#, ""),
            (#"{"batch_size": {"at_least": 2}}"#, "missed: batch_size 1.0 < 2.0"),
            (#"{"batch_size": {"at_most": 0}}"#, "missed: batch_size 1.0 > 0.0"),
            (#"{"speed": {"at_most": 0}}"#, "speed is no figure of this report"),
            (#"{"batch_size": {}}"#, "batch_size needs at_least or at_most"),
            ("[]", "expected an object of limits by figure"),
        ]
        for (text, message) in cases {
            let path = folder.path + "/limits.json"
            try folder.write("limits.json", text.utf8)
            let outcome = try TernProcess.run([
                "bench", "latency", Fixture.families + "/llama", "--load-format", "dummy",
                "--input-len", "2", "--output-len", "2", "--num-iters", "1", "--json",
                "--thresholds", path,
            ])
            #expect(outcome.status == (message.isEmpty ? 0 : 1), "\(text)")
            #expect(message.isEmpty || outcome.errors.contains(message), "\(outcome.errors)")
            #expect(outcome.output.isEmpty == (text == "[]"))
        }
    }
}
