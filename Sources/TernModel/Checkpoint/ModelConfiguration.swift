// What config.json says of a model, in one spelling. Old and new names of the same thing meet
// here, and what is not supported is refused here, before any weight is looked at.

import TernJSON
import TernTensor

/// The shape of a decoder, read from a Hugging Face config.json.
///
/// Source: configuration_llama.py, configuration_qwen2.py, configuration_qwen3.py,
/// configuration_qwen3_moe.py and configuration_mixtral.py of transformers, whose defaults are
/// taken where a key is absent.
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
    /// Dimension of one head.
    public let headDimension: Int
    /// What RMSNorm adds to the mean square.
    public let normEpsilon: Float
    /// How positions rotate queries and keys.
    public let rope: RopeConfiguration
    /// Whether the query, key and value projections have biases.
    public let hasProjectionBias: Bool
    /// Whether attention's output projection has a bias.
    public let hasOutputBias: Bool
    /// Whether the MLP's projections have biases.
    public let hasMLPBias: Bool
    /// Whether each query and key head is normalized before it is rotated.
    public let normalizesHeads: Bool
    /// Whether the head is the embedding.
    public let tiesEmbeddings: Bool
    /// Positions the model was made for.
    public let maxPositions: Int
    /// The type the weights were saved in, if the file says so.
    public let savedType: DType?
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

    private init(_ config: ConfigurationReader) throws(CheckpointError) {
        architecture = try Architecture(config)
        vocabularySize = try config.count("vocab_size", atMost: 1 << 24)
        hiddenSize = try config.count("hidden_size", atMost: Self.largestWidth)
        intermediateSize = try config.count("intermediate_size", atMost: Self.largestWidth)
        experts = try ExpertConfiguration(
            config, architecture, largestWidth: Self.largestWidth)
        layers = try config.count("num_hidden_layers", atMost: 1 << 12)
        queryHeads = try config.count("num_attention_heads", atMost: 1 << 12)
        keyValueHeads = try config.count("num_key_value_heads", default: queryHeads)
        headDimension = try config.count(
            "head_dim", default: architecture.defaultHeadDimension ?? hiddenSize / queryHeads)
        normEpsilon = Float(
            try config.positive("rms_norm_eps", default: architecture.defaultNormEpsilon))
        rope = try RopeConfiguration(config, defaultTheta: architecture.defaultTheta)
        let attentionBias = try config.flag("attention_bias", default: false)
        hasProjectionBias =
            architecture == .qwen2 || (architecture != .mixtral && attentionBias)
        hasOutputBias = architecture != .qwen2 && architecture != .mixtral && attentionBias
        hasMLPBias = architecture == .llama ? try config.flag("mlp_bias", default: false) : false
        normalizesHeads = architecture.normalizesHeads
        tiesEmbeddings = try config.flag("tie_word_embeddings", default: false)
        maxPositions = try config.count(
            "max_position_embeddings", default: architecture.defaultMaxPositions)
        savedType = try Self.savedType(config)
        // Ids beyond the vocabulary, as small test models inherit them, are never drawn.
        endOfSequence = try config.integers("eos_token_id").filter((0..<vocabularySize).contains)
        try refuseWhatIsNotSupported(config)
    }

    /// Whether some layer has an ordinary MLP.
    public var hasDenseLayers: Bool { sparseLayers < layers }

    /// Number of layers that have experts.
    var sparseLayers: Int {
        guard let experts else { return 0 }
        return (0..<layers).count(where: experts.isSparse)
    }

    /// What attention kernels hold of one head.
    private static let largestHeadDimension = 512

    /// What kernels hold of one row of a product's input, per row of a tile.
    private static let largestWidth = 1 << 17

    private static func savedType(_ config: ConfigurationReader) throws(CheckpointError) -> DType? {
        guard let name = try config.text("dtype", or: "torch_dtype") else { return nil }
        guard let type = DType(rawValue: name), type != .int32 else {
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
        guard headDimension > 0, headDimension % 2 == 0,
            headDimension <= Self.largestHeadDimension
        else {
            throw CheckpointError(
                config.file,
                "head_dim \(headDimension), expected an even number of at most "
                    + "\(Self.largestHeadDimension)")
        }
        guard queryHeads * headDimension <= Self.largestWidth else {
            throw CheckpointError(
                config.file,
                "num_attention_heads \(queryHeads) of head_dim \(headDimension), expected at "
                    + "most \(Self.largestWidth) together")
        }
        let activation = try config.text("hidden_act") ?? "silu"
        guard activation == "silu" else {
            throw CheckpointError(config.file, "hidden_act is \(activation), supported is silu")
        }
        if try config.flag("use_sliding_window", default: false) {
            throw CheckpointError(
                config.file, "use_sliding_window is true; sliding windows are not supported")
        }
        if architecture == .mixtral, config.value("sliding_window") != nil {
            let window = try config.count("sliding_window")
            guard window >= maxPositions else {
                throw CheckpointError(
                    config.file,
                    "sliding_window is \(window), less than max_position_embeddings "
                        + "\(maxPositions); sliding windows are not supported")
            }
        }
        if config.value("quantization_config") != nil {
            throw CheckpointError(
                config.file,
                "quantization_config is given; supported weights are float32, bfloat16, float16")
        }
    }
}
