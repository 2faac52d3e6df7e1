// Station 10, on the output rank: a row of logits and the parameters that travelled in the plan
// become a token, or tell how likely a known token was. Logprobs are of the model's own logits,
// before temperature, penalties and masks.

import TernPlanning
import TernTensor

/// Draws tokens. Holds scratch memory, no state between draws but what spares work.
///
/// Thread: the rank's.
struct Sampler {
    private var scan: VocabularyScan
    private var adjuster: LogitAdjuster
    private let adjusted: Tensor

    /// Reserves the scratch memory.
    ///
    /// Throws: where the system gives none.
    init(
        vocabularySize: Int, on backend: any Backend, grammars: GrammarStore? = nil
    ) throws(StorageError) {
        scan = try VocabularyScan(vocabularySize: vocabularySize, on: backend)
        adjusted = try Tensor(zeros: [vocabularySize])
        adjuster = LogitAdjuster(vocabularySize: vocabularySize, grammars: grammars)
    }

    /// Draws one token.
    ///
    /// Shape: `logits [vocabulary]`.
    mutating func draw(
        _ logits: Tensor, _ step: SamplingStep, for sequence: SequenceID
    ) -> SampledToken {
        var top: [TokenLogprob] = []
        var normalizer: Double?
        scan.read(logits)
        if let count = step.parameters.logprobs {
            let sum = scan.logSumExp()
            top = best(count, sum)
            normalizer = sum
        }
        if !LogitAdjuster.isIdle(step) {
            adjust(logits, by: step, of: sequence)
            scan.read(adjusted)
        }
        let token = choose(step)
        let logprob = normalizer.map { sum in
            logits.withElements(of: Float.self) { Float(Double($0[token]) - sum) }
        }
        return SampledToken(
            sequence: sequence, token: TokenID(token), logprob: logprob, top: top)
    }

    /// Tells how likely a token was.
    ///
    /// Shape: `logits [vocabulary]`.
    mutating func score(_ logits: Tensor, _ token: TokenID, top: Int) -> ScoredToken {
        scan.read(logits)
        let normalizer = scan.logSumExp()
        let logit = scan.logit(Int(token.rawValue))
        return ScoredToken(
            token: token, logprob: Float(Double(logit) - normalizer), rank: scan.rank(of: logit),
            top: best(top, normalizer))
    }

    /// The best tokens, best first.
    private mutating func best(_ count: Int, _ normalizer: Double) -> [TokenLogprob] {
        scan.select(count)
        return scan.candidates.map {
            TokenLogprob(token: TokenID($0.token), logprob: Float(Double($0.logit) - normalizer))
        }
    }

    private mutating func adjust(
        _ logits: Tensor, by step: SamplingStep, of sequence: SequenceID
    ) {
        let copy = adjusted
        logits.withElements(of: Float.self) { logits in
            copy.withElements(of: Float.self) {
                adjuster.adjust(logits, by: step, of: sequence, into: $0)
            }
        }
    }

    private mutating func choose(_ step: SamplingStep) -> Int {
        let parameters = step.parameters
        guard parameters.temperature > 0 else { return scan.best }
        let uniform = CounterRandom.uniform(
            seed: parameters.seed, choice: step.choice, position: step.position)
        scan.weigh(temperature: parameters.temperature, least: parameters.minP)
        return scan.draw(topK: parameters.topK, topP: parameters.topP, uniform) ?? scan.best
    }
}
