// Times single steps on ranks that are ready and serve nobody yet, and reads what they moved. What
// the steps write into the cache is of no matter, for no block is known by its content then. What
// follows from the times is decided elsewhere.

import TernModel
import TernParallel
import TernPlanning

/// Submits steps of one sequence of dummy tokens and times them, until their result is there.
struct StepTimer {
    /// Of replicas that step together: each runs the same step.
    private let executors: [LocalExecutor]
    private let blockSize: Int
    private let deadline: Duration
    /// The most layers that a stage runs; nil for all of them and the head.
    private let layers: Int?
    /// All layers as a multiple of those that run.
    private let scale: Double
    /// Tokens of the largest step that fits.
    let maxTokens: Int

    init(
        _ executors: [LocalExecutor], _ configuration: EngineConfiguration, _ settled: ModelStages,
        layers: Int?
    ) {
        self.executors = executors
        self.layers = layers
        blockSize = configuration.blockSize
        deadline = configuration.resultDeadline
        maxTokens = min(configuration.maxBatchedTokens, settled.memory.maxModelLength)
        let sizes = settled.stages.map(\.model.layerCount)
        let run = sizes.reduce(0) { $0 + min($1, layers ?? $1) }
        scale = Double(sizes.reduce(0, +)) / Double(max(1, run))
    }

    /// Replicas that run each step, all of them the same tokens.
    var replicas: Int { executors.count }

    /// 1, 2, 4, … and the largest step that fits.
    var ladder: [Int] {
        var rungs: [Int] = []
        var tokens = 1
        while tokens < maxTokens {
            rungs.append(tokens)
            tokens *= 2
        }
        return rungs + [maxTokens]
    }

    /// Seconds of one step over all layers, extrapolated where fewer run.
    ///
    /// Throws: `EngineError` where a rank failed.
    func seconds(_ mode: ParallelMode, tokens: Int) throws(EngineError) -> Double {
        let plan = plan(mode, tokens: tokens)
        let start = ContinuousClock.now
        for executor in executors { executor.submit(plan, layers: layers ?? .max) }
        for executor in executors { _ = try executor.nextResult(within: deadline) }
        return start.duration(to: .now) / .seconds(1) * scale
    }

    /// Bytes received from others in one step, by the rank that receives most, as its communicator
    /// counts them.
    ///
    /// Throws: `EngineError` where a rank failed.
    func receivedBytes(_ mode: ParallelMode, tokens: Int) throws(EngineError) -> Int {
        let before = try counts()
        _ = try seconds(mode, tokens: tokens)
        return zip(before, try counts()).map { $1.totalBytes - $0.totalBytes }.max() ?? 0
    }

    /// What the collectives of each rank moved since the start.
    func counts() throws(EngineError) -> [CollectiveCounts] {
        var counts: [CollectiveCounts] = []
        for executor in executors { counts += try executor.collectiveCounts(within: deadline) }
        return counts
    }

    private func plan(_ mode: ParallelMode, tokens: Int) -> StepPlan {
        let blocks = (tokens + blockSize - 1) / blockSize
        let sampling = SamplingStep(
            parameters: SamplingParameters(temperature: 0, seed: 0), choice: 0, position: 0,
            forbidsStop: false)
        let span = SequenceSpan(
            sequence: 0, tokens: Array(repeating: 0, count: tokens), firstPosition: 0,
            blockTable: (0..<blocks).map { BlockID($0) }, sampling: layers == nil ? sampling : nil)
        return StepPlan(number: 0, mode: mode, spans: [span])
    }
}
