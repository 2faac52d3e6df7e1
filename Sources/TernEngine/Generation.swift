// One choice as its reader sees it: tokens become text, stop strings are watched for, outputs go to
// the request's receiver. The scheduler owns the tokens; this owns the text.

import TernPlanning
import TernText

/// Where a request's events go; called on the engine loop's thread.
public typealias GenerationReceiver = @Sendable (GenerationEvent) -> Void

/// The text of one choice, and who hears of it.
///
/// Thread: the engine loop's.
final class Generation {
    let request: RequestID
    let choice: Int
    let deliver: GenerationReceiver
    /// The request's name in traces.
    let label: String?
    var timeline: RequestTimeline
    private var place: QueuePlace?
    private let parameters: SamplingParameters
    private var detokenizer: Detokenizer
    private var stops: StopMatcher
    private var generated = 0

    init(
        _ id: RequestID, choice: Int, of request: GenerationRequest, tokenizer: Tokenizer,
        deliver: @escaping GenerationReceiver
    ) {
        self.request = id
        self.choice = choice
        self.deliver = deliver
        label = request.label
        timeline = RequestTimeline(entered: request.entry?.moment ?? .now)
        place = request.entry?.place
        parameters = request.parameters
        detokenizer = Detokenizer(tokenizer, after: request.prompt.lazy.map(\.rawValue))
        stops = StopMatcher(request.stopStrings)
    }

    /// A plan holds the choice: it waits no longer.
    func begin(at moment: Moment) {
        timeline.schedule(at: moment)
        place = nil
    }

    /// Takes in a token and tells what it completes. Where a stop string ends the choice, the
    /// output says so and the progress does not: the scheduler is still to be told.
    func advance(_ progress: SequenceProgress) -> GenerationOutput {
        let sample = progress.sample
        generated += 1
        let endsByToken = progress.finish == .stop
        var text = endsByToken ? "" : detokenizer.append(sample.token.rawValue)
        if progress.finish != nil { text += detokenizer.finish() }
        var finish = progress.finish
        if generated > parameters.minTokens {
            let found = stops.append(text)
            text = found.emit
            if found.matched != nil {
                finish = .stop
            } else if finish != nil {
                text += stops.finish()
            }
        }
        let token = GeneratedToken(token: sample.token, logprob: sample.logprob, top: sample.top)
        return GenerationOutput(
            choice: choice, text: text, tokens: [token], finish: finish,
            promptScores: progress.promptScores)
    }
}
