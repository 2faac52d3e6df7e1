// How an engine is to be set up: what the flags of `generate`, `serve` and `bench` say. Sizes that
// are left open here are settled at start, from the model and the memory there is.

import TernModel
import TernPlanning
import TernTensor

/// Where weights come from.
public enum LoadFormat: String, Sendable, CaseIterable {
    /// The safetensors files of the folder.
    case auto
    /// Seeded random numbers: only config.json is needed.
    case dummy
}

/// How the mode of a step is to be chosen.
public enum ShiftRule: Sendable, Equatable {
    /// By a threshold that is measured at start.
    case automatic
    /// As told.
    case given(ShiftPolicy)
}

/// The settings of an engine.
public struct EngineConfiguration: Sendable {
    /// The model's folder, or its GGUF file.
    public var folder: String
    /// Type of the weights; nil takes the checkpoint's.
    public var dtype: DType?
    /// What is quantized at load.
    public var quantization = WeightQuantization()
    /// Type of keys and values in the cache; nil takes that of the weights.
    public var cacheType: DType?
    /// Where weights come from.
    public var loadFormat = LoadFormat.auto
    /// The most tokens of a sequence; nil takes what the model and the memory allow.
    public var maxModelLength: Int?
    /// The most sequences of one step.
    public var maxSequences = 256
    /// The most tokens of one step.
    public var maxBatchedTokens = 2048
    /// Tokens per block of the cache; a multiple of 16.
    public var blockSize = 16
    /// Memory for keys and values; nil takes a share of what is free.
    public var cacheBytes: Int?
    /// The share of the free memory that weights, buffers and cache may take together.
    public var memoryShare = 0.9
    /// Whether prompts reuse blocks of earlier prompts.
    public var enablesPrefixCaching = true
    /// Seeds dummy weights, and the requests that bring no seed; nil draws one.
    public var seed: UInt64?
    /// A template that takes the place of the model's own.
    public var chatTemplateFile: String?
    /// Whether a folder without tokenizer.json is refused. Prompts in token ids need none; texts
    /// then mean nothing.
    public var requiresTokenizer = true
    /// How the ranks are laid out.
    public var topology = Topology()
    /// When they shift between their modes.
    public var shift = ShiftRule.automatic
    /// How long a step may take before its rank counts as hung.
    public var stepDeadline = Duration.seconds(600)
    /// How long a step may take before the engine is not ready. A large step of a large model is
    /// not to count as one.
    public var stallDeadline = Duration.seconds(30)
    /// Bounds on what waits for its first step; nil refuses nothing.
    public var queue: QueueLimits?
    /// Where steps and requests are traced.
    public var trace: StepTrace?
    /// Checks every table after each step: for tests.
    public var checksIntegrity = false

    /// What of the model is quantized.
    ///
    /// Throws: `EngineError` where its layers are already, and are to be once more.
    func quantization(
        of model: ModelConfiguration
    ) throws(EngineError) -> WeightQuantization {
        guard loadFormat == .auto, let saved = model.quantization else { return quantization }
        guard quantization.layers == nil else {
            throw EngineError(
                .invalid(parameter: "quantization"),
                "--quantization: the checkpoint is quantized already, and is read so without the flag"
            )
        }
        return WeightQuantization(head: quantization.head, saved: saved)
    }

    /// How long the result of a step is awaited: peers of a rank that hangs notice it within the
    /// deadline of a step, and can say which it is.
    var resultDeadline: Duration { stepDeadline + stepDeadline }

    /// Blocks of the cache that hold so many tokens.
    func blocks(for tokens: Int) -> Int { (tokens + blockSize - 1) / blockSize }

    /// The most rows of logits of one step: one for each sequence, and some for prompts whose
    /// tokens are scored, which are computed in chunks of so many tokens where more do not fit.
    var maxLogitRows: Int { max(maxSequences, min(maxBatchedTokens, Self.leastScoringRows)) }

    /// At a vocabulary of 128 Ki, 16 MiB a rank.
    private static let leastScoringRows = 32

    /// Default settings for a model.
    public init(folder: String) { self.folder = folder }
}
