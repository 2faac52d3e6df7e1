// What config.json says of a model, in one spelling. Old and new names of the same thing meet
// here, and what is not supported is refused here, before any weight is looked at.

import TernJSON
import TernTensor

/// The shape of a decoder, read from a Hugging Face config.json.
///
/// Source: the configuration files of transformers, whose defaults are taken where a key is absent;
/// what one family alone has is read in Families/.
public struct ModelConfiguration: Sendable, Equatable {
    /// The family, by the name in `architectures`.
    public let architecture: Architecture
    /// Number of tokens that have a row in the embedding.
    public let vocabularySize: Int
    /// Width of the residual stream.
    public let hiddenSize: Int
    /// Width inside the MLP of layers that have no experts.
    public let intermediateSize: Int
    /// The experts of layers that have them.
    public let experts: ExpertConfiguration?
    /// Number of decoder layers.
    public let layers: Int
    /// Number of query heads.
    public let queryHeads: Int
    /// Number of key and value heads; each serves `queryHeads / keyValueHeads` query heads.
    public let keyValueHeads: Int
    /// Dimension of one query head.
    public let headDimension: Int
    /// The widths of latent attention, in families that have it.
    public let latent: LatentConfiguration?
    /// What scores are multiplied by.
    public internal(set) var attentionScale: Float
    /// What scores are softly held within, if anything.
    public internal(set) var attentionSoftCap: Float?
    /// Whether each query head has a logit that stands for no position.
    public internal(set) var hasSinks = false
    /// For each layer the number of positions that a token sees; nil: all.
    public internal(set) var windows: [Int?]
    /// What RMSNorm adds to the mean square.
    public let normEpsilon: Float
    /// Where norms stand, and what their weights mean.
    public internal(set) var norms = NormStyle()
    /// How positions rotate queries and keys.
    public internal(set) var rope: RopeConfiguration
    /// The same in layers with a window, where it differs.
    public internal(set) var localRope: RopeConfiguration?
    /// What embeddings are multiplied by.
    public internal(set) var embeddingScale: Float = 1
    /// What logits are softly held within, if anything.
    public internal(set) var logitSoftCap: Float?
    /// What is between the two products of an MLP.
    public internal(set) var activation = GatedActivation.silu
    /// Whether the query, key and value projections have biases.
    public internal(set) var hasProjectionBias: Bool
    /// Whether attention's output projection has a bias.
    public internal(set) var hasOutputBias: Bool
    /// Whether the MLP's projections have biases.
    public let hasMLPBias: Bool
    /// Whether the checkpoint has queries, keys and values in one matrix, and gates and ups in one.
    public internal(set) var fusesProjections = false
    /// Whether each query and key head is normalized before it is rotated.
    public internal(set) var normalizesHeads = false
    /// Whether the head is the embedding.
    public let tiesEmbeddings: Bool
    /// Positions the model was made for.
    public let maxPositions: Int
    /// The type the weights were saved in, if the file says so.
    public let savedType: DType?
    /// How the checkpoint's matrices are quantized, where they are.
    public let quantization: CheckpointQuantization?
    /// Tokens that end a text, where generation_config.json names none.
    public let endOfSequence: [Int]

    /// Reads config.json of a model folder.
    ///
    /// Throws: `CheckpointError` that names the key, what was found and what is expected.
    public init(folder: String) throws(CheckpointError) {
        try self.init(ConfigurationReader(folder: folder, file: "config.json"))
    }

    /// Reads a parsed config.json.
    public init(json: JSON) throws(CheckpointError) {
        try self.init(ConfigurationReader(file: "config.json", object: json))
    }

    init(_ config: ConfigurationReader) throws(CheckpointError) {
        architecture = try Architecture(config)
        let defaults = architecture.defaults
        vocabularySize = try config.count("vocab_size", atMost: 1 << 24)
        hiddenSize = try config.count("hidden_size", atMost: Self.largestWidth)
        intermediateSize = try config.count("intermediate_size", atMost: Self.largestWidth)
        experts = try ExpertConfiguration(
            config, architecture, largestWidth: Self.largestWidth)
        // A checkpoint of layers that predict further tokens holds those alone.
        let predictsFurther = ["deepseek_mtp", "mimo_mtp"].contains(try config.text("model_type"))
        layers = try config.count(
            predictsFurther ? "num_nextn_predict_layers" : "num_hidden_layers", atMost: 1 << 12)
        queryHeads = try config.count("num_attention_heads", atMost: 1 << 12)
        latent = try LatentConfiguration(config, architecture, largestWidth: Self.largestWidth)
        let keyValueHeads = try config.count("num_key_value_heads", default: queryHeads)
        // All heads read the one latent row.
        self.keyValueHeads = latent == nil ? keyValueHeads : 1
        let dimension = try config.headDimension(
            default: defaults.headDimension ?? hiddenSize / queryHeads, isIgnored: latent != nil)
        headDimension = latent?.queryDimension ?? dimension
        normEpsilon = Float(try config.positive("rms_norm_eps", default: defaults.normEpsilon))
        maxPositions = try config.count(
            "max_position_embeddings", default: defaults.maxPositions)
        guard maxPositions >= 2 else {
            throw config.mismatch(
                "max_position_embeddings", .integer(maxPositions),
                "at least 2: one token of a prompt and one of an answer")
        }
        rope = try RopeConfiguration(
            config.ropeParameters, in: config, theta: defaults.theta,
            dimension: latent?.rotatedDimension ?? headDimension, maxPositions: maxPositions)
        attentionScale = 1 / Float(headDimension).squareRoot()
        windows = Array(repeating: nil, count: layers)
        hasProjectionBias = try config.flag("attention_bias", default: false)
        hasOutputBias = hasProjectionBias
        let hasMLPBias = try config.flag("mlp_bias", default: false)
        self.hasMLPBias = hasMLPBias && [.llama, .deepseekV2].contains(architecture)
        tiesEmbeddings = try config.flag("tie_word_embeddings", default: defaults.tiesEmbeddings)
        savedType = try Self.savedType(config)
        quantization = try CheckpointQuantization(config)
        // Ids beyond the vocabulary, as small test models inherit them, are never drawn.
        endOfSequence = try config.integers("eos_token_id").filter((0..<vocabularySize).contains)
        try readFamily(config)
        try refuseWhatIsNotSupported(config)
    }

    /// Reads what one family alone has.
    private mutating func readFamily(_ config: ConfigurationReader) throws(CheckpointError) {
        switch architecture {
        case .llama: break
        case .mistral, .mixtral: try readMistral(config)
        case .qwen2, .qwen3, .qwen3MoE: try readQwen(config)
        case .phi3: try readPhi3(config)
        case .gemma2: try readGemma2(config)
        case .gemma3: try readGemma3(config)
        case .gptOss: try readGptOss(config)
        case .deepseekV2, .deepseekV3: try readDeepseek(config)
        }
    }

    /// Positions that a sequence may have: more than `maxPositions` where the rope is stretched and
    /// the file, as those whose owner added the scaling, still says what it was before.
    /// Gemma 3's files count the stretched ones already.
    public var mostPositions: Int {
        architecture == .gemma3 ? maxPositions : max(maxPositions, rope.reach(from: maxPositions))
    }

    /// The number of positions that a token of a layer sees; nil: all.
    public func window(of layer: Int) -> Int? { windows[layer] }

    /// How positions rotate the heads of a layer.
    public func rope(of layer: Int) -> RopeConfiguration {
        windows[layer] == nil ? rope : localRope ?? rope
    }

    /// Whether some layer has an ordinary MLP.
    public var hasDenseLayers: Bool { sparseLayers < layers }

    /// Number of layers that have experts.
    var sparseLayers: Int {
        guard let experts else { return 0 }
        return (0..<layers).count(where: experts.isSparse)
    }

    /// What kernels hold of one row of a product's input, per row of a tile.
    static let largestWidth = 1 << 17

    private static func savedType(_ config: ConfigurationReader) throws(CheckpointError) -> DType? {
        guard let name = try config.text("dtype", or: "torch_dtype") else { return nil }
        guard let type = DType(rawValue: name), type.isFloatingPoint else {
            throw CheckpointError(
                config.file, "dtype is \(name), expected float32, bfloat16 or float16")
        }
        return type
    }

    private func refuseWhatIsNotSupported(_ config: ConfigurationReader) throws(CheckpointError) {
        guard queryHeads % keyValueHeads == 0 else {
            throw CheckpointError(
                config.file,
                "num_attention_heads \(queryHeads) is not a multiple of num_key_value_heads "
                    + "\(keyValueHeads)")
        }
        let widest = max(headDimension, latent?.valueDimension ?? 0)
        guard queryHeads * widest <= Self.largestWidth else {
            throw CheckpointError(
                config.file,
                "num_attention_heads \(queryHeads) of \(widest) dimensions, expected at most "
                    + "\(Self.largestWidth) together")
        }
        let (key, expected) =
            activation == .geluTanh
            ? ("hidden_activation", "gelu_pytorch_tanh") : ("hidden_act", "silu")
        let found = try config.text(key) ?? expected
        guard found == expected else {
            throw CheckpointError(
                config.file,
                "\(key) is \(found), supported for \(architecture.rawValue) is \(expected)")
        }
    }
}

extension ConfigurationReader {
    /// What attention kernels hold of one head: an even number of dimensions, so many at most.
    fileprivate func headDimension(
        default fallback: Int, isIgnored: Bool
    ) throws(CheckpointError) -> Int {
        let dimension = value("head_dim") == nil ? fallback : try count("head_dim")
        guard isIgnored || dimension > 0 && dimension % 2 == 0 && dimension <= 512 else {
            throw CheckpointError(
                file, "head_dim \(dimension), expected an even number of at most 512")
        }
        return dimension
    }
}
