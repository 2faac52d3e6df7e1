// What generation_config.json says of a model: the tokens that end its texts and how its authors
// would have tokens drawn. A request's own fields go first.

import TernJSON
import TernModel
import TernPlanning

/// The sampling that a model's authors suggest, each nil where they do not say.
public struct SamplingDefaults: Sendable, Equatable {
    /// Whether tokens are drawn at all; otherwise the best one is taken.
    public var samples: Bool?
    /// See `SamplingParameters`.
    public var temperature: Float?
    /// See `SamplingParameters`.
    public var topP: Float?
    /// See `SamplingParameters`.
    public var topK: Int?
    /// See `SamplingParameters`.
    public var minP: Float?
    /// See `LogitAdjustments`.
    public var repetitionPenalty: Float?
}

/// generation_config.json of a model folder; all absent where the file is.
struct GenerationDefaults {
    var sampling = SamplingDefaults()
    var endOfSequence: [TokenID] = []
    /// What of the file this engine does not take over, a line each.
    var notes: [String] = []

    /// The file's name.
    static let file = "generation_config.json"

    /// Throws: `CheckpointError` for a file that holds values out of their range.
    init(_ file: ConfigurationReader?, model: ModelConfiguration) throws(CheckpointError) {
        endOfSequence = model.endOfSequence.map { TokenID($0) }
        guard let file else { return }
        let name = Self.file
        let ends = try file.integers("eos_token_id")
        if !ends.isEmpty {
            let known = ends.filter { (0..<model.vocabularySize).contains($0) }
            endOfSequence = known.map { TokenID($0) }
            if known.count < ends.count {
                notes.append("\(name): eos_token_id \(ends) goes beyond the vocabulary")
            }
        }
        if file.value("do_sample") != nil {
            sampling.samples = try file.flag("do_sample", default: false)
        }
        sampling.temperature = try file.number("temperature", in: 0...1000)
        sampling.topP = try file.number("top_p", in: Double(Float.leastNonzeroMagnitude)...1)
        sampling.topK = try file.number("top_k", in: -1...1e9).map { max(0, Int($0)) }
        sampling.minP = try file.number("min_p", in: 0...1)
        sampling.repetitionPenalty = try file.number(
            "repetition_penalty", in: Double(Float.leastNonzeroMagnitude)...1000)
    }
}
