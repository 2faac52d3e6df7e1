import TernPlanning
import Testing

@Suite("Scheduler: exact hits")
struct SchedulerHitTests {
    @Test(
        "With room for everything, every computed block is found", arguments: SeededRandom.seeds(5))
    func everyHit(seed: UInt64) throws {
        print("every hit: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let configuration = SchedulerConfiguration(
            maxBatchedTokens: 24, maxSequences: 4, maxModelLength: 64, blockSize: 3,
            blockCount: 800)
        var scheduler = Scheduler(configuration)
        var executor = RecordingExecutor(configuration, expectsEveryHit: true)
        for id in 0..<60 {
            let prompt = (0..<Int.random(in: 1...30, using: &random)).map { index in
                TokenID(random.happens(percent: 90) ? index : 99)
            }
            let new = Sequence(
                id: SequenceID(id), prompt: prompt,
                parameters: SamplingParameters(seed: 1, maxTokens: 6))
            try scheduler.add(new)
            executor.add(new)
            while scheduler.counts.waiting > 0 || (id == 59 && scheduler.hasWork) {
                try executor.submit(try scheduler.plan())
                _ = scheduler.commit(try executor.nextResult())
                try scheduler.checkIntegrity()
            }
        }
        #expect(scheduler.counts.prefixHitTokens > 200)
        #expect(scheduler.counts.usedBlocks == 0)
    }
}
