import TernPlanning
import Testing

@Suite("Replicas in lockstep")
struct LockstepTests {
    private static let limits = SchedulerConfiguration(
        maxBatchedTokens: 16, maxSequences: 4, maxModelLength: 64, blockSize: 4, blockCount: 64,
        maxPlansInFlight: 2)

    private func lockstep(_ replicas: Int, threshold: Int = 7) -> Lockstep {
        Lockstep(
            replicas: replicas, Self.limits, policy: ShiftPolicy(.threshold(threshold)))
    }

    @Test("The mode follows the largest plan, whichever replica has it")
    func mode() throws {
        for large in 0..<3 {
            var lockstep = lockstep(3)
            for replica in 0..<3 {
                try lockstep.add(
                    sequence(SequenceID(UInt64(replica)), tokens: replica == large ? 8 : 2),
                    to: replica)
            }
            let prompts = try lockstep.plans()
            #expect(prompts.map(\.tokenCount) == (0..<3).map { $0 == large ? 8 : 2 })
            #expect(prompts.allSatisfy { $0.mode == .sequence })
            for (replica, plan) in prompts.enumerated() {
                let progress = lockstep.commit(result(of: plan), of: replica)
                #expect(progress.count == 1)
            }
            let decodes = try lockstep.plans()
            #expect(decodes.map(\.tokenCount) == [1, 1, 1])
            #expect(decodes.allSatisfy { $0.mode == .tensor })
        }
    }

    @Test("An idle replica runs empty steps under the same numbers, and nothing comes of them")
    func idle() throws {
        var lockstep = lockstep(2)
        try lockstep.add(sequence(1, tokens: 20, maxTokens: 3), to: 0)
        var steps: UInt64 = 0
        while lockstep.hasWork {
            let plans = try lockstep.plans()
            #expect(plans.map(\.number) == [steps, steps])
            #expect(!plans[0].spans.isEmpty && plans[1].spans.isEmpty)
            #expect(plans[0].mode == plans[1].mode)
            let nothing = lockstep.commit(result(of: plans[1]), of: 1)
            #expect(nothing.isEmpty)
            _ = lockstep.commit(result(of: plans[0]), of: 0)
            try lockstep.checkIntegrity()
            steps += 1
        }
        #expect(steps == 4, "a chunk of 16 tokens, one of 4 that draws, and two decodes")
    }

    @Test("All replicas have as many plans in flight, and none more than may be")
    func flight() throws {
        var lockstep = lockstep(2)
        try lockstep.add(sequence(1, tokens: 40), to: 1)
        let first = try lockstep.plans()
        let second = try lockstep.plans()
        let more = lockstep.schedule()
        #expect(more == nil)
        #expect(second[1].outline == [[1, 16, 16]])
        for replica in 0..<2 { _ = lockstep.commit(result(of: first[replica]), of: replica) }
        let third = try lockstep.plans()
        #expect(third.map(\.number) == [2, 2])
        #expect(third[1].outline == [[1, 32, 8]])
    }

    @Test("A sequence ends where it is, and its replica's blocks come back")
    func finish() throws {
        var lockstep = lockstep(2)
        try lockstep.add(sequence(1, tokens: 6), to: 0)
        try lockstep.add(sequence(2, tokens: 6), to: 1)
        let plans = try lockstep.plans()
        lockstep.finish(2, .cancelled)
        let progress = (0..<2).flatMap { lockstep.commit(result(of: plans[$0]), of: $0) }
        #expect(progress.map(\.id) == [1])
        #expect(lockstep.counts.running == 1)
        lockstep.finish(1, .cancelled)
        #expect(!lockstep.hasWork && lockstep.counts.usedBlocks == 0)
    }
}

extension LockstepTests {
    @Test(
        "New ranks begin with what is known: tokens stay, those in flight run first, leavers are gone"
    )
    func restart() throws {
        var lockstep = lockstep(2)
        for (id, replica) in [(1, 1), (2, 0), (3, 1)] {
            let id = SequenceID(UInt64(id))
            try lockstep.add(sequence(id, tokens: 6, first: 100 * Int(id.rawValue)), to: replica)
        }
        let first = try lockstep.plans()
        for replica in 0..<2 { _ = lockstep.commit(result(of: first[replica]), of: replica) }
        let second = try lockstep.plans()
        _ = try lockstep.plans()
        lockstep.finish(3, .cancelled)
        #expect(lockstep.inFlight == [1: 6, 2: 6, 3: 6])
        lockstep.restart()
        try lockstep.checkIntegrity()
        #expect(lockstep.inFlight.isEmpty && lockstep.counts.usedBlocks == 0)
        #expect(lockstep.counts.running == 0 && lockstep.counts.waiting == 2)
        let third = try lockstep.plans()
        #expect(third.map(\.number) == [3, 3], "a late result of plan 1 would not be taken for it")
        #expect(third.map(\.outline) == [[[2, 0, 7]], [[1, 0, 7]]], "prompt and one drawn token")
        #expect(third[0].spans[0].sampling == second[0].spans[0].sampling)
        let progress = (0..<2).flatMap { lockstep.commit(result(of: third[$0]), of: $0) }
        #expect(Set(progress.map(\.id)) == [1, 2])
        try lockstep.checkIntegrity()
    }

    @Test("Of those on probation one runs at a time, until it has passed its place")
    func probation() throws {
        var limits = Self.limits
        limits.maxPlansInFlight = 1
        var lockstep = Lockstep(replicas: 1, limits, policy: ShiftPolicy(.threshold(7)))
        for id in 1...4 {
            let prompt = sequence(SequenceID(UInt64(id)), tokens: 3, first: 100 * id)
            try lockstep.add(prompt, to: 0)
        }
        _ = try lockstep.plans()
        lockstep.restart(onProbation: [1: 3, 2: 0, 4: 0])
        var outlines: [[[Int]]] = []
        for _ in 0..<4 {
            let plans = try lockstep.plans()
            outlines.append(plans[0].outline)
            try lockstep.checkIntegrity()
            _ = lockstep.commit(result(of: plans[0]), of: 0)
            try lockstep.checkIntegrity()
        }
        #expect(outlines[0] == [[1, 0, 3]], "2 waits for 1, and nobody overtakes it")
        #expect(outlines[1] == [[1, 3, 1]], "3 of 3 tokens are not past the place")
        #expect(
            outlines[2] == [[1, 4, 1], [2, 0, 3], [3, 0, 3]], "4 waits for 2 and 3 does not")
        #expect(outlines[3].map { $0[0] } == [1, 2, 3, 4])
    }
}

extension Lockstep {
    /// The next plans, where there must be some.
    fileprivate mutating func plans() throws -> [StepPlan] {
        let plans = schedule()
        return try #require(plans)
    }
}
