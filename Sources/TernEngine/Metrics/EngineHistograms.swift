// What an engine tells of times and sizes, in the buckets that dashboards for vLLM expect.
//
// Source: vLLM, vllm/v1/metrics/loggers.py.

import TernPlanning

/// The distributions of an engine, since its start. Unit: seconds, where nothing else is said.
public struct EngineHistograms: Sendable {
    /// From a request's entry to the first token of a choice.
    public var timeToFirstToken = Histogram(bounds: firstTokenBounds)
    /// Between two tokens of a choice.
    public var interTokenLatency = Histogram(bounds: tokenBounds)
    /// The mean of the above for each choice of two tokens or more.
    public var timePerOutputToken = Histogram(bounds: tokenBounds)
    /// From a request's entry to the last token of a choice.
    public var endToEnd = Histogram(bounds: requestBounds)
    /// From a request's entry to the first plan that holds a choice.
    public var queueTime = Histogram(bounds: requestBounds)
    /// From there to the first token.
    public var prefillTime = Histogram(bounds: requestBounds)
    /// From the first token to the last.
    public var decodeTime = Histogram(bounds: requestBounds)
    /// Tokens that a step computes, prompts and generation together.
    public var stepTokens = Histogram(bounds: sizeBounds)
    /// From the hand-over of a step, or the result of the one before it, to its result.
    public var stepDuration = Dictionary(
        uniqueKeysWithValues: ParallelMode.allCases.map { ($0, Histogram(bounds: stepBounds)) })

    private static let firstTokenBounds = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
        40, 80, 160, 640, 2560,
    ]
    private static let tokenBounds = [
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
        80,
    ]
    private static let requestBounds = [
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920,
        7680,
    ]
    private static let sizeBounds: [Double] = [
        1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
    ]
    private static let stepBounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
}
