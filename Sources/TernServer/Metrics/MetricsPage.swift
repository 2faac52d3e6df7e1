// `GET /metrics`: the engine's counters under the names that dashboards for vLLM read, and what only
// this engine has under its own. It measures nothing.
//
// Source: vLLM, vllm/v1/metrics/loggers.py.

import TernEngine
import TernPlanning

/// The page of metrics.
enum MetricsPage {
    /// Answers with the metrics of the moment.
    static func answer(_ model: ServedModel, _ exchange: HTTPExchange) {
        let text = text(model.generator.metrics, model: model.names.first ?? "")
        exchange.respond(
            HTTPResponse(
                headers: [HTTPHeader("Content-Type", PrometheusText.contentType)],
                body: Array(text.utf8)))
    }

    /// The metrics of a model's engine as text.
    static func text(_ metrics: EngineMetrics, model: String) -> String {
        var page = PrometheusText(labels: [("model_name", model), ("engine", "0")])
        addState(metrics, to: &page)
        addCounts(metrics, to: &page)
        addLatencies(metrics.histograms, to: &page)
        addOwn(metrics, to: &page)
        return page.text
    }

    private static func addState(_ metrics: EngineMetrics, to page: inout PrometheusText) {
        let counts = metrics.scheduler
        page.gauge(
            "vllm:num_requests_running", "Sequences that hold blocks of the KV cache.",
            Double(counts?.running ?? 0))
        page.gauge(
            "vllm:num_requests_waiting", "Sequences in the queue.", Double(counts?.waiting ?? 0))
        page.gauge(
            "vllm:kv_cache_usage_perc", "Share of the KV cache that sequences hold, 0 to 1.",
            counts?.cacheUsage ?? 0)
    }

    private static func addCounts(_ metrics: EngineMetrics, to page: inout PrometheusText) {
        let counts = metrics.scheduler
        page.counter(
            "vllm:prompt_tokens_total", "Tokens of prompts accepted.", metrics.promptTokens)
        page.counter(
            "vllm:generation_tokens_total", "Tokens generated.", metrics.generatedTokens)
        page.counter(
            "vllm:prefix_cache_queries_total", "Tokens looked for in the prefix cache.",
            counts?.prefixQueryTokens ?? 0)
        page.counter(
            "vllm:prefix_cache_hits_total", "Tokens that the prefix cache spared.",
            counts?.prefixHitTokens ?? 0)
        page.counter(
            "vllm:num_preemptions_total", "Sequences that lost their blocks to others.",
            counts?.preemptions ?? 0)
        page.counter(
            "vllm:request_success_total", "Choices that ended, by reason.", by: "finished_reason",
            FinishReason.allCases.map { ($0.metricsName, metrics.finished[$0] ?? 0) })
    }

    private static func addLatencies(
        _ histograms: EngineHistograms, to page: inout PrometheusText
    ) {
        let all: [(String, String, Histogram)] = [
            ("time_to_first_token", "From entry to the first token.", histograms.timeToFirstToken),
            ("inter_token_latency", "Between two tokens.", histograms.interTokenLatency),
            (
                "request_time_per_output_token", "Mean time between the tokens of a choice.",
                histograms.timePerOutputToken
            ),
            ("e2e_request_latency", "From entry to the last token.", histograms.endToEnd),
            ("request_queue_time", "From entry to the first step.", histograms.queueTime),
            (
                "request_prefill_time", "From the first step to the first token.",
                histograms.prefillTime
            ),
            (
                "request_decode_time", "From the first token to the last.", histograms.decodeTime
            ),
        ]
        for (name, help, histogram) in all {
            page.histogram("vllm:\(name)_seconds", help, histogram)
        }
        page.histogram(
            "vllm:iteration_tokens_total", "Tokens that a step computes.", histograms.stepTokens)
    }

    private static func addOwn(_ metrics: EngineMetrics, to page: inout PrometheusText) {
        let modes = ParallelMode.allCases
        page.counter(
            "tern:steps_total", "Steps, by their mode.", by: "mode",
            modes.map { ($0.rawValue, metrics.stepsByMode[$0] ?? 0) })
        page.counter("tern:shifts_total", "Steps in another mode than the last.", metrics.shifts)
        page.histogram(
            "tern:step_duration_seconds", "Time of a step, by its mode.", by: "mode",
            modes.compactMap { mode in
                metrics.histograms.stepDuration[mode].map { (mode.rawValue, $0) }
            })
        page.counter(
            "tern:rank_restarts_total", "Ranks started again after a failure.",
            metrics.ranks.restarts)
        page.counter(
            "tern:communication_bytes_total", "Bytes that ranks received from others.",
            by: "collective", metrics.communicationBytes.sorted { $0.key < $1.key })
    }
}

extension FinishReason {
    /// The word of vLLM's dashboards.
    fileprivate var metricsName: String {
        switch self {
        case .stop: "stop"
        case .length: "length"
        case .cancelled: "abort"
        case .failed: "error"
        }
    }
}
