import TernPlanning
import Testing

@Suite("Scheduler: scored prompts")
struct PromptScoreTests {
    private func scored(_ id: SequenceID, tokens: Int, first: Int = 100) -> Sequence {
        sequence(id, tokens: tokens, first: first) { $0.promptLogprobs = 2 }
    }

    /// What the plan's scoring spans ask, with made-up scores.
    private func result(of plan: StepPlan) -> StepResult {
        let scores = plan.spans.compactMap { span in
            span.scoring.map { step in
                SequenceScores(
                    sequence: span.sequence,
                    tokens: step.targets.map {
                        ScoredToken(token: $0, logprob: -1, rank: 1, top: [])
                    })
            }
        }
        let samples = TernPlanningTests.result(of: plan).samples
        return StepResult(number: plan.number, samples: samples, scores: scores)
    }

    @Test("A scored prompt is cut where rows of logits end, and its scores come with its token")
    func rows() throws {
        var scheduler = scheduler(maxBatchedTokens: 16, maxSequences: 4)
        try scheduler.add(scored(1, tokens: 10))
        try scheduler.add(sequence(2, tokens: 3, first: 300))
        var outlines: [[[Int]]] = []
        var told: [[TokenID]?] = []
        for _ in 0..<3 {
            let plan = try scheduler.plan()
            outlines.append(plan.outline)
            #expect(plan.spans.reduce(0) { $0 + $1.logitRows } <= 4)
            told += scheduler.commit(result(of: plan)).map { $0.promptScores?.map(\.token) }
            try scheduler.checkIntegrity()
        }
        // The last two rows of the prompt leave two for the other's one.
        #expect(outlines == [[[1, 0, 4]], [[1, 4, 4]], [[1, 8, 2], [2, 0, 3]]])
        #expect(told == [(101...109).map { TokenID($0) }, nil])
    }

    @Test("A scored prompt reads no cached prefix, and others read its own")
    func cache() throws {
        var scheduler = scheduler(maxSequences: 16)
        for (index, sequence) in [
            sequence(1, tokens: 9, maxTokens: 1), scored(2, tokens: 9),
            sequence(3, tokens: 9, maxTokens: 1),
        ].enumerated() {
            try scheduler.add(sequence)
            let plan = try scheduler.plan()
            #expect(plan.outline == [[index + 1, index == 2 ? 8 : 0, index == 2 ? 1 : 9]])
            _ = scheduler.commit(result(of: plan))
            scheduler.cancel(2)
        }
    }

    @Test("Choices of a scored prompt wait for the one that scores it")
    func choices() throws {
        var scheduler = scheduler(maxBatchedTokens: 64, maxSequences: 16)
        try scheduler.add(scored(1, tokens: 9))
        try scheduler.add(sequence(2, tokens: 9))
        let plan = try scheduler.plan()
        #expect(plan.outline == [[1, 0, 9]])
        _ = scheduler.commit(result(of: plan))
        #expect(try scheduler.plan().outline == [[1, 9, 1], [2, 8, 1]])
    }

    @Test("A prompt of one token has no scores to wait for")
    func oneToken() throws {
        var scheduler = scheduler()
        try scheduler.add(scored(1, tokens: 1))
        let plan = try scheduler.plan()
        #expect(plan.spans[0].scoring == nil)
        #expect(scheduler.commit(result(of: plan)).first?.promptScores == [])
    }
}
