// An executor that computes nothing but remembers, for each slot of its KV cache, which chain of
// tokens was written there. A span that would attend over a wrong chain (a stolen block, a block
// freed too early, a wrong prefix hit) is found at once. Its model is a hash of the chain, so a
// sequence's text can be foretold without scheduler.

import TernPlanning

/// What the recording executor found wrong with a plan.
struct PlanViolation: Error, CustomStringConvertible {
    let description: String

    static func check(_ holds: Bool, _ text: @autoclosure () -> String) throws(PlanViolation) {
        guard holds else { throw PlanViolation(description: text()) }
    }
}

/// Checks plans and answers them like a model would.
struct RecordingExecutor {
    /// A sequence as its client sees it.
    struct Truth {
        let sequence: Sequence
        let tokens: [TokenID]
        /// For each token, the chain that ends with it.
        let chains: [UInt64]
    }

    static let vocabulary: UInt64 = 5

    let configuration: SchedulerConfiguration
    private(set) var plans: [StepPlan] = []
    private var truths: [SequenceID: Truth] = [:]
    /// The sequences that get no more spans; those in flight are still computed.
    private var ended: Set<SequenceID> = []
    /// Positions of each prompt that plans have scored.
    private var scored: [SequenceID: Int] = [:]
    /// Those of them whose results were taken.
    private var told: [SequenceID: Int] = [:]
    /// The chain written at each slot; 0 where nothing was written.
    private var slots: [UInt64]
    /// The chains of all full blocks that were ever computed.
    private var computedBlocks: Set<UInt64> = []
    /// Checks that hits are as long as they can be, which holds while nothing is evicted.
    private let expectsEveryHit: Bool

    init(_ configuration: SchedulerConfiguration, expectsEveryHit: Bool = false) {
        self.configuration = configuration
        self.expectsEveryHit = expectsEveryHit
        slots = Array(repeating: 0, count: configuration.blockCount * configuration.blockSize)
    }

    /// The chain that a token continues; chains of different salts differ.
    private static func chain(_ parent: UInt64, _ token: TokenID) -> UInt64 {
        SeededRandom.mix(parent &* 31 &+ UInt64(token.rawValue) &+ 1)
    }

    private static func root(_ salt: String?) -> UInt64 {
        (salt ?? "").utf8.reduce(salt == nil ? 1 : 2) { SeededRandom.mix($0 &* 257 &+ UInt64($1)) }
    }

    /// The token that the model draws after a chain.
    private static func draw(_ step: SamplingStep, after chain: UInt64) -> TokenID {
        let salt = step.parameters.seed &+ UInt64(step.choice) << 8 &+ UInt64(step.position) << 16
        var token = TokenID(SeededRandom.mix(chain ^ SeededRandom.mix(salt)) % vocabulary)
        while step.forbidsStop && step.parameters.stops(at: token) {
            token = TokenID((UInt64(token.rawValue) + 1) % vocabulary)
        }
        return token
    }

    mutating func add(_ sequence: Sequence) {
        var truth = Truth(sequence: sequence, tokens: [], chains: [])
        for token in sequence.prompt { truth = Self.appending(token, to: truth) }
        truths[sequence.id] = truth
    }

    private static func appending(_ token: TokenID, to truth: Truth) -> Truth {
        let parent = truth.chains.last ?? root(truth.sequence.cacheSalt)
        return Truth(
            sequence: truth.sequence, tokens: truth.tokens + [token],
            chains: truth.chains + [chain(parent, token)])
    }

    /// What a sequence generates if nothing stops it from outside.
    func foretell(_ sequence: Sequence) -> (tokens: [TokenID], finish: FinishReason) {
        let parameters = sequence.parameters
        var alone = Truth(sequence: sequence, tokens: [], chains: [])
        for token in sequence.prompt { alone = Self.appending(token, to: alone) }
        for position in 0... {
            let forbids = position < parameters.minTokens
            let step = SamplingStep(
                parameters: parameters, choice: sequence.choice, position: position,
                forbidsStop: forbids)
            let token = Self.draw(step, after: alone.chains.last ?? 0)
            alone = Self.appending(token, to: alone)
            let generated = Array(alone.tokens[sequence.prompt.count...])
            if !forbids && parameters.stops(at: token) { return (generated, .stop) }
            if position + 1 == parameters.maxTokens
                || alone.tokens.count == configuration.maxModelLength
            {
                return (generated, .length)
            }
        }
        return ([], .failed)
    }
}

extension RecordingExecutor {
    /// Checks a plan against the limits, the truth and the plans in flight.
    mutating func submit(_ plan: StepPlan) throws(PlanViolation) {
        try PlanViolation.check(
            plan.tokenCount <= configuration.maxBatchedTokens
                && plan.spans.count <= configuration.maxSequences && plan.tokenCount > 0,
            "plan \(plan.number): \(plan.tokenCount) tokens of \(plan.spans.count) sequences")
        let rows = plan.spans.reduce(0) { $0 + $1.logitRows }
        try PlanViolation.check(
            rows <= configuration.maxLogitRows, "plan \(plan.number): \(rows) rows of logits")
        try PlanViolation.check(
            plans.count < configuration.maxPlansInFlight, "\(plans.count) plans are in flight")
        try PlanViolation.check(
            Set(plan.spans.map(\.sequence)).count == plan.spans.count, "two spans of a sequence")
        for span in plan.spans {
            try checkTokens(span)
            try checkScoring(span)
            try checkContext(span)
            try checkExclusion(span, in: plan)
        }
        plans.append(plan)
    }

    /// The span holds the sequence's own tokens, and draws if and only if it holds the last.
    private func checkTokens(_ span: SequenceSpan) throws(PlanViolation) {
        let spent = plans.flatMap(\.spans).filter { $0.sequence == span.sequence }
        guard let truth = truths[span.sequence], !ended.contains(span.sequence) else {
            throw PlanViolation(description: "sequence \(span.sequence) ended but has a span")
        }
        try PlanViolation.check(
            spent.allSatisfy { $0.sampling == nil }, "\(span.sequence): a token is being drawn")
        try PlanViolation.check(
            span.positions.upperBound <= truth.tokens.count
                && span.tokens == Array(truth.tokens[span.positions]) && !span.tokens.isEmpty,
            "\(span.sequence): tokens at \(span.positions) of \(truth.tokens.count) are wrong")
        let generated = truth.tokens.count - truth.sequence.prompt.count
        let parameters = truth.sequence.parameters
        let expected = SamplingStep(
            parameters: parameters, choice: truth.sequence.choice, position: generated,
            forbidsStop: generated < parameters.minTokens, history: Self.history(truth))
        let isLast = span.positions.upperBound == truth.tokens.count
        try PlanViolation.check(
            span.sampling == (isLast ? expected : nil), "\(span.sequence): a wrong sampling step")
    }

    private static func history(_ truth: Truth) -> TokenHistory? {
        let adjustments = truth.sequence.parameters.adjustments
        if adjustments.isNeutral { return nil }
        let count = truth.sequence.prompt.count
        return TokenHistory(
            prompt: adjustments.repetitionPenalty == 1 ? [] : truth.sequence.prompt,
            generated: Array(truth.tokens[count...]))
    }

    /// The span scores each position of the prompt before its last that it holds, once and in order.
    private mutating func checkScoring(_ span: SequenceSpan) throws(PlanViolation) {
        guard let sequence = truths[span.sequence]?.sequence else { return }
        let wanted = sequence.parameters.promptLogprobs == nil ? 0 : sequence.prompt.count - 1
        let next = scored[span.sequence] ?? 0
        let due =
            max(
                next, span.firstPosition)..<max(
                next, span.firstPosition, min(wanted, span.positions.upperBound))
        try PlanViolation.check(
            due.isEmpty || due.lowerBound == next, "\(span.sequence): \(next) is never scored")
        let found = span.scoring.map { $0.rows.lowerBound + span.firstPosition }
        try PlanViolation.check(
            span.scoring?.targets ?? [] == due.map { sequence.prompt[$0 + 1] }
                && found ?? due.lowerBound == due.lowerBound,
            "\(span.sequence): scores \(span.scoring as Any), expected those of \(due)")
        scored[span.sequence] = due.upperBound
    }

    /// What the span attends to is committed, or in flight for the same sequence.
    private func checkContext(_ span: SequenceSpan) throws(PlanViolation) {
        let earlier = plans.flatMap(\.spans).filter { $0.sequence == span.sequence }
        let committed = earlier.first?.firstPosition ?? span.firstPosition
        try checkChains(of: span, below: committed)
        try PlanViolation.check(
            (earlier.last?.positions.upperBound ?? committed) == span.firstPosition,
            "\(span.sequence): a gap before \(span.firstPosition)")
        guard expectsEveryHit, earlier.isEmpty, let truth = truths[span.sequence] else { return }
        let size = configuration.blockSize
        var hits = 0
        for end in stride(from: size, to: truth.tokens.count, by: size) {
            guard computedBlocks.contains(truth.chains[end - 1]) else { break }
            hits = end
        }
        try PlanViolation.check(
            span.firstPosition >= hits,
            "\(span.sequence) starts at \(span.firstPosition), but \(hits) tokens are cached")
    }

    /// No other sequence uses a block that the span writes, in this plan or one in flight.
    private func checkExclusion(_ span: SequenceSpan, in plan: StepPlan) throws(PlanViolation) {
        let size = configuration.blockSize
        let written = span.firstPosition / size...(span.positions.upperBound - 1) / size
        try PlanViolation.check(
            written.upperBound < span.blockTable.count, "\(span.sequence): a table too short")
        let blocks = Set(span.blockTable[written])
        for other in (plans + [plan]).flatMap(\.spans) where other.sequence != span.sequence {
            try PlanViolation.check(
                blocks.isDisjoint(with: other.blockTable),
                "\(span.sequence) writes a block that \(other.sequence) uses")
        }
    }

    private func checkChains(of span: SequenceSpan, below end: Int) throws(PlanViolation) {
        guard let truth = truths[span.sequence] else { return }
        for position in 0..<end {
            let slot = slot(of: position, in: span)
            try PlanViolation.check(
                slots[slot] == truth.chains[position],
                "\(span.sequence) at \(span.firstPosition): slot \(slot) of position \(position)"
                    + " holds another chain")
        }
    }

    private func slot(of position: Int, in span: SequenceSpan) -> Int {
        let block = span.blockTable[position / configuration.blockSize]
        return Int(block.rawValue) * configuration.blockSize
            + position % configuration.blockSize
    }
}

extension RecordingExecutor {
    /// Computes the oldest plan: checks each context, writes each slot, draws each token.
    mutating func nextResult() throws -> StepResult {
        let plan = plans.removeFirst()
        var samples: [SampledToken] = []
        var scores: [SequenceScores] = []
        for span in plan.spans {
            guard let truth = truths[span.sequence] else { continue }
            try checkChains(of: span, below: span.firstPosition)
            for position in span.positions {
                slots[slot(of: position, in: span)] = truth.chains[position]
                if (position + 1).isMultiple(of: configuration.blockSize) {
                    computedBlocks.insert(truth.chains[position])
                }
            }
            if let scoring = span.scoring {
                let first = span.firstPosition + scoring.firstRow + 1
                let tokens = scoring.targets.enumerated().map { index, token in
                    ScoredToken(token: token, logprob: Float(first + index), rank: 1, top: [])
                }
                scores.append(SequenceScores(sequence: span.sequence, tokens: tokens))
                told[span.sequence, default: 0] += tokens.count
            }
            guard let step = span.sampling, let chain = truth.chains.last else { continue }
            let token = Self.draw(step, after: chain)
            truths[span.sequence] = Self.appending(token, to: truth)
            samples.append(SampledToken(sequence: span.sequence, token: token))
        }
        return StepResult(number: plan.number, samples: samples, scores: scores)
    }

    /// Loses the plans in flight and the cache, as ranks that are started anew.
    mutating func restart() {
        plans = []
        scored = told
        slots = Array(repeating: 0, count: slots.count)
        computedBlocks = []
    }

    /// Expects no more spans of a sequence.
    mutating func end(_ id: SequenceID) { ended.insert(id) }
}
