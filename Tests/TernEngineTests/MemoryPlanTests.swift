import Testing

@testable import TernEngine

@Suite("Memory plan")
struct MemoryPlanTests {
    private let needs = MemoryPlan.Needs(weightBytes: 1000, bufferBytes: 500, blockBytes: 10)

    private func plan(
        free: Int, longest: Int = 64, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> MemoryPlan {
        var configuration = EngineConfiguration(folder: "")
        configuration.maxSequences = 100
        configuration.memoryShare = 0.5
        change(&configuration)
        return try MemoryPlan(
            needs, configuration: configuration, longest: longest, freeBytes: free)
    }

    @Test("The cache gets what weights and activations leave of the share")
    func share() throws {
        let memory = try plan(free: 4000)
        #expect(memory.cacheBytes == 500 && memory.blockCount == 50)
        #expect(memory.totalBytes == 2000)
        #expect(memory.maxModelLength == 64)
    }

    @Test("A size in bytes is taken as it is, whatever is free")
    func givenBytes() throws {
        #expect(try plan(free: 1600) { $0.cacheBytes = 99 }.blockCount == 9)
    }

    @Test("A sum beyond what is free is refused with its parts")
    func beyondFree() {
        #expect("more than is free") {
            try plan(free: 1580) { $0.cacheBytes = 99 }
        } throws: { "\($0)".contains("GiB together; 0.00 GiB are free") }
    }

    @Test("No more is reserved than all sequences can fill")
    func useful() throws {
        #expect(try plan(free: 1 << 30).blockCount == 100 * 4)
    }

    @Test("A length that is left open shrinks to what fits; one that is asked for must fit")
    func length() throws {
        #expect(try plan(free: 3040).maxModelLength == 32)
        #expect("asked for") {
            try plan(free: 3040) { $0.maxModelLength = 64 }
        } throws: { "\($0)".contains("one sequence of 64 tokens needs 40 bytes") }
        #expect(throws: EngineError.self) { try plan(free: 1000) }
    }
}
