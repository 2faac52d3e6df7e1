// The tensors of a GGUF file under the names that Tern's layers ask for, Hugging Face's. Stacked
// experts are taken apart, and rows that lie in pairs are marked; nothing is read.

import TernTensor

extension GGUF {
    /// Tensors by Hugging Face's names; those without one keep theirs.
    ///
    /// Source: the table of names in gguf-py, tensor_mapping.py.
    func namedTensors() throws(CheckpointError) -> [String: CheckpointTensor] {
        try refuseOtherTypes()
        let family = try GGUFFamily(self)
        let (queries, keyValues) = try (heads("attention.head_count"), keyValueHeads())
        let isMixtral = family.architecture(hasExperts: hasExperts) == .mixtral
        var named: [String: CheckpointTensor] = [:]
        func place(_ tensor: CheckpointTensor, as name: String) throws(CheckpointError) {
            guard named.updateValue(tensor, forKey: name) == nil else {
                throw CheckpointError(file, "two tensors are the model's \(name)")
            }
        }
        for (name, tensor) in tensors {
            guard let (layer, module, kind) = Self.parts(of: name) else {
                try place(tensor, as: Self.outerNames[name] ?? name)
                continue
            }
            if let part = Self.expertNames[module] {
                let names = isMixtral ? ("block_sparse_moe", part.mixtral) : ("mlp", part.qwen)
                for (index, expert) in try experts(of: tensor, name).enumerated() {
                    try place(
                        expert, as: "\(layer).\(names.0).experts.\(index).\(names.1).\(kind)")
                }
                continue
            }
            var tensor = tensor
            if family.pairsRows, module == "attn_q" || module == "attn_k" {
                let heads = module == "attn_q" ? queries : keyValues
                tensor.rowOrder = try pairs(of: tensor, heads: heads, name)
            }
            let router = isMixtral ? "block_sparse_moe.gate" : "mlp.gate"
            let known = module == "ffn_gate_inp" ? router : Self.layerNames[module]
            try place(tensor, as: known.map { "\(layer).\($0).\(kind)" } ?? name)
        }
        return named
    }

    /// Refuses a file that holds a tensor of a type that is not read.
    func refuseOtherTypes() throws(CheckpointError) {
        if let (name, type) = otherTypes.min(by: { $0.key < $1.key }) {
            let known = ["F32", "F16", "BF16"] + BlockFormat.allCases.map(\.rawValue)
            throw CheckpointError(
                file,
                "tensor \(name) holds \(type), expected one of \(known.joined(separator: ", "))")
        }
    }

    /// Whether its layers have experts.
    var hasExperts: Bool { tensors.keys.contains { $0.contains("ffn_gate_exps") } }

    /// The layer's module, what stands for in it, and whether it is a weight or a bias.
    private static func parts(
        of name: String
    ) -> (layer: String, module: String, kind: String)? {
        let parts = name.split(separator: ".")
        guard parts.count == 4, parts[0] == "blk", let layer = Int(parts[1]) else { return nil }
        return ("model.layers.\(layer)", String(parts[2]), String(parts[3]))
    }

    /// The matrices of a stack `[experts, rows, inputs]`.
    private func experts(
        of stack: CheckpointTensor, _ name: String
    ) throws(CheckpointError) -> [CheckpointTensor] {
        guard stack.shape.count == 3, stack.shape[0] <= ExpertConfiguration.mostExperts else {
            throw CheckpointError(
                file,
                "tensor \(name) has shape \(stack.shape), expected [experts, rows, inputs] of at "
                    + "most \(ExpertConfiguration.mostExperts) experts")
        }
        return (0..<stack.shape[0]).map { index in
            CheckpointTensor(
                storage: stack.storage,
                byteOffset: stack.byteOffset + stack.bytes / stack.shape[0] * index,
                encoding: stack.encoding, shape: Array(stack.shape.dropFirst()), file: file)
        }
    }

    private func pairs(
        of tensor: CheckpointTensor, heads: Int, _ name: String
    ) throws(CheckpointError) -> RowOrder {
        guard tensor.shape[0] % (2 * heads) == 0 else {
            throw CheckpointError(
                file, "tensor \(name) has \(tensor.shape[0]) rows for \(heads) heads")
        }
        return .pairs(headDimension: tensor.shape[0] / heads)
    }

    private static let outerNames = [
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    ]

    private static let layerNames = [
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    ]

    private static let expertNames: [String: (qwen: String, mixtral: String)] = [
        "ffn_gate_exps": ("gate_proj", "w1"),
        "ffn_up_exps": ("up_proj", "w3"),
        "ffn_down_exps": ("down_proj", "w2"),
    ]
}
