import CAllocationCounter
import TernPlanning
import Testing

@Suite("Scheduler: cost")
struct SchedulerCostTests {
    /// The most bytes that planning and committing a step of so many decodes asks for.
    private func bytesPerStep(of count: Int) throws -> Int64 {
        var scheduler = scheduler(
            maxBatchedTokens: count, maxSequences: count, blockSize: 16, blockCount: 4 * count)
        for id in 0..<count {
            try scheduler.add(sequence(SequenceID(id), tokens: 1, first: id, maxTokens: 50))
        }
        var most: Int64 = 0
        for _ in 0..<20 {
            let start = allocated_bytes()
            let plan = scheduler.schedule()
            let scheduled = allocated_bytes() - start
            let result = result(of: try #require(plan))
            let again = allocated_bytes()
            let progress = scheduler.commit(result)
            most = max(most, scheduled + allocated_bytes() - again)
            #expect(progress.count == count)
        }
        return most
    }

    @Test("A step's memory grows with the running sequences, not with their square")
    func linear() throws {
        let (few, many) = (try bytesPerStep(of: 32), try bytesPerStep(of: 1024))
        #expect(few > 0)
        #expect(many < few * 32 * 4, "a table of sequences is copied for each of them")
    }
}
