// Stations 6 to 10 on one rank: a plan becomes inputs, the model's stage runs, and on the output rank
// tokens are drawn and prompts scored. A rank knows nothing of requests or of time.

import TernModel
import TernParallel
import TernPlanning
import TernTensor

/// One rank at work.
///
/// Thread: created and used on one thread.
final class Rank {
    private let model: Llama
    private let memory: RankMemory
    private let resources: RankResources
    private let communicator: any Communicator
    private var sampler: Sampler

    /// Which one it is.
    var id: RankID { memory.layout.rank }
    /// What its collectives moved since the start.
    var counts: CollectiveCounts { communicator.counts }

    /// Throws: where the system gives no scratch memory.
    init(
        _ description: ModelConfiguration, stage: ModelStage, memory: RankMemory,
        backend: any Backend, communicator: any Communicator, grammars: GrammarStore?
    ) throws(StorageError) {
        model = stage.model
        self.memory = memory
        self.communicator = communicator
        resources = RankResources(
            description, layout: memory.layout, backend: backend, communicator: communicator,
            cache: memory.cache, buffers: memory.buffers)
        sampler = try Sampler(
            vocabularySize: description.vocabularySize, on: backend, grammars: grammars)
    }

    /// Runs one plan through at most so many layers of the stage; a result on the output rank, nil
    /// on the others.
    ///
    /// Throws: `CommunicationError` where a peer failed.
    func run(_ plan: StepPlan, layers: Int) throws(CommunicationError) -> StepResult? {
        let input = StepInput(plan, writing: memory.buffers, blockSize: memory.cache.blockSize)
        let step = StepContext(resources, mode: plan.mode, input.counts)
        let logits = try model.forward(step, layers: layers)
        return memory.layout.isOutput ? result(of: plan, logits) : nil
    }

    /// Draws and scores, row by row, in the order in which StepInput wrote the rows.
    private func result(of plan: StepPlan, _ logits: Tensor?) -> StepResult {
        var row = 0
        func next() -> Tensor {
            guard let logits else { preconditionFailure("no logits, expected row \(row)") }
            row += 1
            return logits.rows(row - 1..<row).reshaped(Shape(logits.shape[1]))
        }
        var samples: [SampledToken] = []
        var scores: [SequenceScores] = []
        for span in plan.spans {
            if let scoring = span.scoring {
                let tokens = scoring.targets.map { target in
                    sampler.score(next(), target, top: scoring.top)
                }
                scores.append(SequenceScores(sequence: span.sequence, tokens: tokens))
            }
            if let step = span.sampling {
                samples.append(sampler.draw(next(), step, for: span.sequence))
            }
        }
        return StepResult(number: plan.number, samples: samples, scores: scores)
    }
}
