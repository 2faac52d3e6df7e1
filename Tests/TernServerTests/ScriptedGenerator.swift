// A generator for the server's tests: bytes are tokens, and what it generates is written in a
// script. It delivers from a thread of its own, as the engine does, and counts cancellations.

import Glibc
import Synchronization
import TernJSON
import TernPlanning
import TernTesting
import TernText

@testable import TernEngine
@testable import TernServer

/// Plays a script for each request.
final class ScriptedGenerator: Generator {
    /// What happens to a request.
    typealias Script = @Sendable (GenerationRequest) -> [GenerationEvent]

    let maxModelLength = 256
    var metrics: EngineMetrics { EngineMetrics() }
    let vocabularySize = 257
    var failure: EngineError? { nil }
    let shiftPolicy = ShiftPolicy(.threshold(8))
    let toolCallFamily: ToolCallFamily
    var isReady: Bool { true }
    let pace: Duration
    /// Whether the script starts again at its end.
    let isEndless: Bool
    private let script: Script
    private let counts = Mutex((started: 0, cancelled: 0))

    init(
        pace: Duration = .zero, isEndless: Bool = false, tools: ToolCallFamily = .hermes,
        _ script: @escaping Script = ScriptedGenerator.echo
    ) {
        toolCallFamily = tools
        self.pace = pace
        self.isEndless = isEndless
        self.script = script
    }

    var started: Int { counts.withLock { $0.started } }
    var cancelled: Int { counts.withLock { $0.cancelled } }

    /// Three steps, of which the second one shifts.
    func steps(after number: UInt64, atMost limit: Int) -> RecentSteps {
        let steps = [(1, ParallelMode.tensor, 4), (2, .sequence, 900), (3, .tensor, 5)].map {
            StepRecord(
                number: $0.0, mode: $0.1, tokens: $0.2, sequences: 4,
                end: .milliseconds(10 * $0.0), duration: .microseconds(1500))
        }
        return RecentSteps(
            steps: steps.filter { $0.number > number }.suffix(limit), last: 3,
            now: .milliseconds(32))
    }

    /// A text that begins with "slow" takes a while.
    func tokens(of text: String, addSpecialTokens: Bool) throws -> [TokenID] {
        if text.hasPrefix("slow") { usleep(300_000) }
        return (addSpecialTokens ? [256] : []) + text.utf8.map { TokenID($0) }
    }

    func text(of tokens: [TokenID]) throws -> String {
        String(decoding: tokens.flatMap { bytes(of: $0) }, as: UTF8.self)
    }

    func bytes(of token: TokenID) -> [UInt8] {
        token.rawValue < 256 ? [UInt8(token.rawValue)] : Array("<s>".utf8)
    }

    func chatPrompt(
        messages: JSON, tools: JSON?, addGenerationPrompt: Bool, continuesFinalMessage: Bool,
        kwargs: JSONObject
    ) throws -> [TokenID] {
        if let refusal = kwargs["refuse"]?.string { throw EngineError(.failed, refusal) }
        var text = (messages.array ?? []).map {
            "\($0["role"]?.string ?? ""):\($0["content"]?.string ?? "")\n"
        }.joined()
        if continuesFinalMessage { text.removeLast() }
        return try tokens(of: text + (addGenerationPrompt ? ">" : ""), addSpecialTokens: false)
    }

    func grammar(_ form: GrammarForm) throws(GrammarError) -> GrammarSource {
        _ = try Grammar(form)
        return GrammarSource(text: Array(form.json.text().utf8))
    }

    func defaultParameters(maxTokens: Int) -> SamplingParameters {
        var adjustments = LogitAdjustments()
        adjustments.repetitionPenalty = 1.25
        return SamplingParameters(
            temperature: 0.5, topK: 7, seed: 99, adjustments: adjustments, maxTokens: maxTokens,
            endOfSequenceIDs: [256])
    }

    func start(
        _ request: GenerationRequest, deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) throws(EngineError) -> @Sendable () -> Void {
        if request.stopStrings == ["unavailable"] {
            throw EngineError(.unavailable, "the queue is full")
        }
        counts.withLock { $0.started += 1 }
        let play = Play(script(request), pace: pace, isEndless: isEndless, deliver: deliver)
        spawn { play.run() }
        return { [self] in
            play.stop()
            counts.withLock { $0.cancelled += 1 }
        }
    }

    /// Gives each choice the prompt's text again, a byte at a time, and ends with token 256.
    static let echo: Script = { request in
        let choices = 0..<request.choices
        let letters = request.prompt.filter { $0.rawValue < 256 }.flatMap { token in
            choices.map {
                output($0, text: String(UnicodeScalar(UInt8(token.rawValue))), token: token)
            }
        }
        return letters + choices.map { output($0, text: "", token: 256, finish: .stop) }
    }

    /// As `echo`, with scores of the prompt: each token is half as likely as the one before.
    static let scoredEcho: Script = { request in
        var events = echo(request)
        let scores = request.prompt.dropFirst().enumerated().map { index, token in
            ScoredToken(
                token: token, logprob: -Float(index + 1), rank: 2,
                top: [
                    TokenLogprob(token: 65, logprob: -0.5), TokenLogprob(token: 66, logprob: -9),
                ])
        }
        if case .output(var output) = events[0], request.parameters.promptLogprobs != nil {
            output.promptScores = scores
            events[0] = .output(output)
        }
        return events
    }

    /// An output of one token, with logprobs that tell the token apart.
    static func output(
        _ choice: Int, text: String, token: TokenID, finish: FinishReason? = nil
    ) -> GenerationEvent {
        .output(
            GenerationOutput(
                choice: choice, text: text,
                tokens: [
                    GeneratedToken(
                        token: token, logprob: -0.25,
                        top: [
                            TokenLogprob(token: 65, logprob: -0.125),
                            TokenLogprob(token: token, logprob: -0.25),
                        ])
                ], finish: finish))
    }
}

/// One request being played.
private final class Play: Sendable {
    private let events: [GenerationEvent]
    private let pace: Duration
    private let isEndless: Bool
    private let deliver: @Sendable (GenerationEvent) -> Void
    private let isStopped = Mutex(false)

    init(
        _ events: [GenerationEvent], pace: Duration, isEndless: Bool,
        deliver: @escaping @Sendable (GenerationEvent) -> Void
    ) {
        self.events = events
        self.pace = pace
        self.isEndless = isEndless
        self.deliver = deliver
    }

    func stop() { isStopped.withLock { $0 = true } }

    func run() {
        repeat {
            for event in events {
                usleep(UInt32(pace.components.attoseconds / 1_000_000_000_000))
                let goesOn = isStopped.withLock { isStopped in
                    if !isStopped { deliver(event) }
                    return !isStopped
                }
                guard goesOn else { return }
            }
        } while isEndless
    }
}
