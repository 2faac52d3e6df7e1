// Which layers each pipeline stage holds.
//
// Source: get_pp_indices of vLLM.

/// Layers divided among stages: evenly, a remainder one each to the stages before the last, from
/// the back, for the last one also has the head.
public struct StagePartition: Sendable, Equatable {
    private let boundaries: [Int]

    /// Divides layers; there are at least as many as stages.
    public init(layers: Int, stages: Int) {
        precondition(stages >= 1 && layers >= stages, "\(layers) layers on \(stages) stages")
        let (least, extra) = layers.quotientAndRemainder(dividingBy: stages)
        let counts = (0..<stages).map { stage in
            let fromBack = stages - 1 - stage
            return least + ((1...max(extra, 1)).contains(fromBack) && extra > 0 ? 1 : 0)
        }
        boundaries = TokenPartition(counts: counts).boundaries
    }

    /// The layers of one stage.
    public subscript(stage: Int) -> Range<Int> { boundaries[stage]..<boundaries[stage + 1] }
}
