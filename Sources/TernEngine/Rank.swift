// Stations 6 to 10 on one rank: a plan becomes inputs, the model's stage runs, and on the output rank
// tokens are drawn. A rank knows nothing of requests or of time.

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

    init(
        _ description: ModelConfiguration, stage: ModelStage, memory: RankMemory,
        backend: any Backend, communicator: any Communicator
    ) {
        model = stage.model
        self.memory = memory
        self.communicator = communicator
        resources = RankResources(
            description, layout: memory.layout, backend: backend, communicator: communicator,
            cache: memory.cache, buffers: memory.buffers)
        sampler = Sampler(vocabularySize: description.vocabularySize)
    }

    /// Runs one plan through at most so many layers of the stage; a result on the output rank, nil
    /// on the others.
    ///
    /// Throws: `CommunicationError` where a peer failed.
    func run(_ plan: StepPlan, layers: Int) throws(CommunicationError) -> StepResult? {
        let input = StepInput(plan, writing: memory.buffers, blockSize: memory.cache.blockSize)
        let step = StepContext(resources, mode: plan.mode, input.counts)
        let logits = try model.forward(step, layers: layers)
        guard memory.layout.isOutput else { return nil }
        var samples: [SampledToken] = []
        for (row, draw) in input.draws.enumerated() {
            guard let logits else {
                preconditionFailure("no logits for \(input.draws.count) draws")
            }
            let token = logits.rows(row..<row + 1).withElements(of: Float.self) {
                sampler.draw($0, draw.step, for: draw.sequence)
            }
            samples.append(token)
        }
        return StepResult(number: plan.number, samples: samples)
    }
}
