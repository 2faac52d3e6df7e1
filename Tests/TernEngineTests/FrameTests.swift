import TernPlanning
import Testing

@testable import TernEngine

/// The messages between a server and the process of its ranks.
@Suite("Frames")
struct FrameTests {
    @Test("What is written is read back, whatever the plan", arguments: FrameSource.seeds)
    func plans(seed: UInt64) throws {
        print("frames: seed \(seed)")
        var source = FrameSource(seed: seed)
        for _ in 0..<40 {
            let plan = source.plan()
            let frame = Frame(.plan, plan)
            #expect(try frame.value() == plan)
            let (kind, length) = try Frame.parse(header: frame.header)
            #expect(kind == .plan && length == frame.payload.count)
            let result = source.result(of: plan)
            #expect(try Frame(.result, result).value() == result)
            try result.checkAnswers(plan, vocabularySize: FrameSource.vocabulary)
        }
    }

    @Test("What a start settles is read back, the fit of the shift among it")
    func summaries() throws {
        let memory = MemoryPlan(
            weightBytes: 1 << 40, bufferBytes: 3, cacheBytes: 0, blockCount: 5, blockSize: 16,
            maxModelLength: 80)
        let rungs = [1, 2, 64].map {
            ShiftRung(tokens: $0, tensor: [0.25, 0.5, 0.75], sequence: [0.5, 1, 1.5, 2])
        }
        for fit in [nil, ShiftFit(rungs, measuredIn: .seconds(2)), ShiftFit([], measuredIn: .zero)]
        {
            let summary = RankSummary(
                memory: memory, dtype: .bfloat16, cacheType: .int8, parameters: 7,
                shiftFit: fit)
            #expect(try Frame(.ready, summary).value() == summary)
        }
        for text in ["", "κύκλωψ\r\n\0", "\u{1F680}"] {
            let back: String = try Frame(.note, text).value()
            #expect(Array(back.utf8) == Array(text.utf8))
        }
    }

    @Test("Every stored field of what travels is in its frame")
    func fields() {
        // A field more than here is a field that ranks of another process would not see: write it in
        // the type's `write(to:)` and `init(from:)`, in FrameSource, and count it here.
        func count(_ value: Any) -> Int { Mirror(reflecting: value).children.count }
        var source = FrameSource(seed: 1)
        let plan = source.plan()
        let step = SamplingStep(
            parameters: SamplingParameters(seed: 0), choice: 0, position: 0, forbidsStop: false)
        let span = SequenceSpan(
            sequence: 0, tokens: [], firstPosition: 0, blockTable: [], sampling: nil)
        #expect(count(plan) == 3)
        #expect(count(span) == 6)
        #expect(count(step) == 5)
        #expect(count(SamplingParameters(seed: 0)) == 13)
        #expect(count(LogitAdjustments()) == 7)
        #expect(count(TokenHistory(prompt: [], generated: [])) == 2)
        #expect(count(ScoringStep(firstRow: 0, targets: [], top: 0)) == 3)
        #expect(count(source.result(of: plan)) == 3)
        #expect(count(SampledToken(sequence: 0, token: 0)) == 4)
        #expect(count(TokenLogprob(token: 0, logprob: 0)) == 2)
        #expect(count(SequenceScores(sequence: 0, tokens: [])) == 2)
        #expect(count(ScoredToken(token: 0, logprob: 0, rank: 0, top: [])) == 4)
    }

    @Test(
        "Bytes that were changed, cut or made up are refused or read, and harm nobody",
        arguments: FrameSource.seeds)
    func fuzz(seed: UInt64) throws {
        print("frames: seed \(seed)")
        var source = FrameSource(seed: seed)
        var refused = 0
        for _ in 0..<600 {
            let plan = source.plan()
            let whole = [Frame(.plan, plan), Frame(.result, source.result(of: plan))]
            for frame in whole {
                let damaged = Frame(frame.kind, payload: source.damage(frame.payload))
                do {
                    switch frame.kind {
                    case .plan: _ = try damaged.value(StepPlan.self)
                    default: _ = try damaged.value(StepResult.self)
                    }
                } catch {
                    refused += 1
                }
                _ = try? damaged.value(RankSummary.self)
                _ = try? damaged.value(String.self)
                _ = try? Frame.parse(header: Array(source.damage(frame.header).prefix(16)))
            }
        }
        #expect(refused > 200)
    }

    @Test("Every end that comes too early is refused")
    func truncation() throws {
        var source = FrameSource(seed: 3)
        let plan = source.plan(spans: 2)
        let payload = Frame(.plan, plan).payload
        for count in 0..<payload.count {
            #expect(throws: FrameError.self) {
                try Frame(.plan, payload: Array(payload[..<count])).value(StepPlan.self)
            }
        }
        #expect(throws: FrameError.self) {
            try Frame(.plan, payload: payload + [0]).value(StepPlan.self)
        }
    }

    @Test("A header of another kind, another magic or a boundless length is refused")
    func headers() throws {
        let header = Frame(.note, "hail").header
        for (place, byte) in [(0, 0), (4, 0), (4, 8), (12, 1), (15, 255)] as [(Int, UInt8)] {
            var changed = header
            changed[place] = byte
            #expect(throws: FrameError.self) { try Frame.parse(header: changed) }
        }
    }

    @Test("A result that does not answer its plan is refused")
    func answers() throws {
        var source = FrameSource(seed: 5)
        let other = SampledToken(sequence: 1_099_511_627_776, token: 1)
        for _ in 0..<20 {
            let plan = source.plan(spans: 3)
            let result = source.result(of: plan)
            let wrong = [
                StepResult(
                    number: plan.number + 1, samples: result.samples, scores: result.scores),
                StepResult(
                    number: plan.number, samples: result.samples + [other], scores: result.scores),
                StepResult(
                    number: plan.number, samples: result.samples,
                    scores: result.scores + [SequenceScores(sequence: 9, tokens: [])]),
            ]
            for result in wrong {
                #expect(throws: FrameError.self) {
                    try result.checkAnswers(plan, vocabularySize: FrameSource.vocabulary)
                }
            }
            guard !result.samples.isEmpty else { continue }
            #expect(throws: FrameError.self) {
                try result.checkAnswers(plan, vocabularySize: 1)
            }
        }
    }

    @Test("A socket carries frames, tells its end, and waits no longer than it may")
    func sockets() throws {
        let (one, other) = try FrameSocket.pair()
        let text = String(repeating: "odyssey ", count: 100_000)
        let sender = Mailbox<Bool>()
        _ = try Thread("sender") {
            sender.put((try? one.send(Frame(.note, text), within: .seconds(20))) != nil)
        }
        #expect(try other.receive(within: .seconds(20))?.value(String.self) == text)
        #expect(sender.take(within: .seconds(20)) == true)
        #expect(throws: FrameError.self) { try other.receive(within: .milliseconds(20)) }
        #expect(throws: FrameError.self, "nobody reads") {
            try one.send(Frame(.note, text + text), within: .milliseconds(50))
        }
        one.shutDown()
        #expect(throws: FrameError.self) { try one.send(Frame(.note, "x"), within: .seconds(1)) }
    }
}

/// Random plans, results and damage.
struct FrameSource {
    static let vocabulary = 1000
    static let seeds: [UInt64] = [1, 2, .random(in: .min ... .max)]
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number below a bound. Source: SplitMix64.
    private mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((bits ^ (bits >> 31)) >> 1) % bound
    }

    private mutating func happens() -> Bool { below(2) == 0 }
    private mutating func float() -> Float { Float(below(1 << 20)) / 1024 - 300 }

    private mutating func tokens(_ most: Int) -> [TokenID] {
        (0..<below(most + 1)).map { _ in TokenID(below(Self.vocabulary)) }
    }

    private mutating func adjustments() -> LogitAdjustments {
        var value = LogitAdjustments()
        (value.repetitionPenalty, value.presencePenalty) = (float(), float())
        value.frequencyPenalty = float()
        for token in tokens(3) { value.logitBias[token] = float() }
        value.badWords = (0..<below(3)).map { _ in tokens(2) }
        value.allowedTokenIDs = happens() ? tokens(4) : nil
        if happens() {
            value.grammar = GrammarSource(text: tokens(9).map { UInt8($0.rawValue % 256) })
        }
        return value
    }

    private mutating func sampling() -> SamplingStep {
        SamplingStep(
            parameters: SamplingParameters(
                temperature: float(), topP: float(), topK: below(100), minP: float(),
                seed: UInt64(below(.max)), logprobs: happens() ? below(5) : nil,
                promptLogprobs: happens() ? below(5) : nil,
                adjustments: happens() ? adjustments() : LogitAdjustments(),
                maxTokens: below(100), minTokens: below(100), ignoreEOS: happens(),
                stopTokenIDs: tokens(3), endOfSequenceIDs: tokens(3)),
            choice: below(9), position: below(999), forbidsStop: happens(),
            history: happens() ? TokenHistory(prompt: tokens(9), generated: tokens(9)) : nil)
    }

    mutating func plan(spans most: Int = 5) -> StepPlan {
        let spans = (0..<below(most + 1)).map { index in
            SequenceSpan(
                sequence: SequenceID(UInt64(index * 1000 + below(999))), tokens: tokens(20),
                firstPosition: below(1 << 30), blockTable: tokens(20).map { BlockID($0.rawValue) },
                sampling: happens() ? sampling() : nil,
                scoring: happens()
                    ? ScoringStep(firstRow: below(20), targets: tokens(5), top: below(5)) : nil)
        }
        return StepPlan(
            number: UInt64(below(.max)), mode: happens() ? .sequence : .tensor, spans: spans)
    }

    private mutating func top() -> [TokenLogprob] {
        tokens(4).map { TokenLogprob(token: $0, logprob: float()) }
    }

    /// A result that answers a plan.
    mutating func result(of plan: StepPlan) -> StepResult {
        var samples: [SampledToken] = []
        var scores: [SequenceScores] = []
        for span in plan.spans {
            if let scoring = span.scoring {
                let tokens = scoring.targets.map {
                    ScoredToken(token: $0, logprob: float(), rank: below(99), top: top())
                }
                scores.append(SequenceScores(sequence: span.sequence, tokens: tokens))
            }
            guard span.sampling != nil else { continue }
            samples.append(
                SampledToken(
                    sequence: span.sequence, token: TokenID(1 + below(Self.vocabulary - 1)),
                    logprob: happens() ? float() : nil, top: top()))
        }
        return StepResult(number: plan.number, samples: samples, scores: scores)
    }

    /// The bytes with some changed, some lost, or others in their place.
    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        switch below(4) {
        case 0: bytes = (0..<below(200)).map { _ in UInt8(below(256)) }
        case 1: bytes.removeLast(below(bytes.count + 1))
        case 2: bytes.append(contentsOf: bytes.prefix(below(20)))
        default: break
        }
        for _ in 0..<below(6) where !bytes.isEmpty {
            bytes[below(bytes.count)] = happens() ? 255 : UInt8(below(256))
        }
        return bytes
    }
}
