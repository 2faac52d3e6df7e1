// The metadata of a GGUF file as the config.json that the model had before: ModelConfiguration then
// checks both alike. What config.json cannot say is refused here.

import TernJSON

extension GGUF {
    /// The model's config.json.
    ///
    /// Throws: `CheckpointError` that names the key that is missing or not supported.
    func configuration() throws(CheckpointError) -> JSON {
        let architecture = try GGUFFamily(self).architecture(hasExperts: hasExperts)
        try refuseOtherTypes()
        guard let embedding = tensors["token_embd.weight"]?.shape, embedding.count == 2 else {
            throw CheckpointError(
                file, "tensor token_embd.weight is missing or no matrix, expected the embedding")
        }
        try refuseWhatIsNotSupported()
        var config: JSONObject = JSONObject([
            ("architectures", [.string(architecture.rawValue)]),
            ("vocab_size", .integer(embedding[0])),
            ("hidden_size", try own("embedding_length")),
            ("num_hidden_layers", try own("block_count")),
            ("num_attention_heads", .integer(try heads("attention.head_count"))),
            ("num_key_value_heads", .integer(try keyValueHeads())),
            ("head_dim", .integer(try headDimension())),
            ("rms_norm_eps", try own("attention.layer_norm_rms_epsilon")),
            ("max_position_embeddings", try own("context_length")),
            ("rope_parameters", try ropeParameters()),
            ("tie_word_embeddings", .bool(!has("output.weight"))),
            ("attention_bias", .bool(has("blk.0.attn_q.bias"))),
            ("mlp_bias", .bool(has("blk.0.ffn_up.bias"))),
            ("eos_token_id", .array(try endTokens().map(JSON.integer))),
        ])
        config["intermediate_size"] = try json(key("feed_forward_length"))
        if hasExperts {
            config["num_local_experts"] = try own("expert_count")
            config["num_experts_per_tok"] = try own("expert_used_count")
            config["moe_intermediate_size"] = try json(key("expert_feed_forward_length"))
            // As llama.cpp computes them; the file does not say.
            config["norm_topk_prob"] = true
            if config["intermediate_size"] == nil {
                config["intermediate_size"] = config["moe_intermediate_size"]
            }
        }
        return .object(config)
    }

    /// The number of key and value heads: that of the queries where the file does not say.
    func keyValueHeads() throws(CheckpointError) -> Int {
        metadata[try key("attention.head_count_kv")] == nil
            ? try heads("attention.head_count") : try heads("attention.head_count_kv")
    }

    /// A number of heads, which must be the same in every layer.
    func heads(_ name: String) throws(CheckpointError) -> Int {
        let key = try key(name)
        let value = try required(key)
        let number =
            value.array.map { list in
                list.allSatisfy { $0 == list[0] } ? list.first?.integer : nil
            } ?? value.integer
        guard let number, (1...1 << 16).contains(number) else {
            throw mismatch(key, value, "a number of heads, the same in every layer")
        }
        return number
    }

    private func headDimension() throws(CheckpointError) -> Int {
        if let given = try integer(key("attention.key_length")) { return given }
        let hidden = try integer(key("embedding_length")) ?? 0
        return hidden / (try heads("attention.head_count"))
    }

    /// The file's key of a family's value.
    private func key(_ name: String) throws(CheckpointError) -> String {
        "\(try GGUFFamily(self).rawValue).\(name)"
    }

    /// A family's value that must be there.
    private func own(_ name: String) throws(CheckpointError) -> JSON { try required(key(name)) }

    private func has(_ name: String) -> Bool { tensors[name] != nil }

    /// The rotary embedding. Llama 3's scaling stands in a tensor, a divisor for each frequency.
    private func ropeParameters() throws(CheckpointError) -> JSON {
        var parameters: JSONObject = JSONObject([
            ("rope_theta", try json(key("rope.freq_base")) ?? 10000.0)
        ])
        let (whole, rotated) = try (headDimension(), integer(key("rope.dimension_count")))
        if let rotated, whole > 0, rotated != whole {
            parameters["partial_rotary_factor"] = .number(Double(rotated) / Double(whole))
        }
        if let divisors = tensors["rope_freqs.weight"] {
            guard divisors.shape == [whole / 2] else {
                throw CheckpointError(
                    file,
                    "tensor rope_freqs.weight has shape \(divisors.shape), expected [\(whole / 2)]")
            }
            let list = (0..<divisors.shape[0]).map { JSON.number(Double(divisors.element($0))) }
            parameters["rope_type"] = "longrope"
            parameters["short_factor"] = .array(list)
            parameters["long_factor"] = .array(list)
            parameters["attention_factor"] = 1.0
            parameters["original_max_position_embeddings"] = try own("context_length")
            return .object(parameters)
        }
        guard let type = try text(key("rope.scaling.type")), type != "none" else {
            return .object(parameters)
        }
        parameters["rope_type"] = .string(type)
        parameters["factor"] = try json(key("rope.scaling.factor"))
        parameters["original_max_position_embeddings"] = try json(
            key("rope.scaling.original_context_length"))
        return .object(parameters)
    }

    /// Tokens that end a text, and those that end a turn of a conversation.
    private func endTokens() throws(CheckpointError) -> [Int] {
        var ends: [Int] = []
        for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
            guard let id = try integer("tokenizer.ggml." + name), !ends.contains(id) else {
                continue
            }
            ends.append(id)
        }
        return ends
    }

    private func refuseWhatIsNotSupported() throws(CheckpointError) {
        let values = try integer(key("attention.value_length"))
        if let values, values != (try headDimension()) {
            throw CheckpointError(
                file, "values of dimension \(values) beside keys of \(try headDimension())")
        }
        let (window, context) = try (
            integer(key("attention.sliding_window")), integer(key("context_length"))
        )
        if let window, window > 0, window < context ?? .max {
            throw CheckpointError(
                file,
                "\(try key("attention.sliding_window")) is \(window); sliding windows are "
                    + "not supported in GGUF files")
        }
        if let name = tensors.keys.first(where: { $0.hasPrefix("rope_factors_") }) {
            throw CheckpointError(file, "tensor \(name): this scaling is not supported")
        }
    }
}

extension ModelConfiguration {
    /// Reads the metadata of a GGUF file.
    ///
    /// Throws: `CheckpointError` that names the file and the key.
    public init(_ gguf: GGUF) throws(CheckpointError) {
        try self.init(ConfigurationReader(file: gguf.file, object: gguf.configuration()))
    }
}

extension Checkpoint {
    /// The tensors of a GGUF file.
    ///
    /// Throws: `CheckpointError` for a family that is not read, or tensors that do not fit it.
    public init(_ gguf: GGUF) throws(CheckpointError) {
        try self.init(tensors: gguf.namedTensors(), otherTypes: [:], file: gguf.file)
    }
}
