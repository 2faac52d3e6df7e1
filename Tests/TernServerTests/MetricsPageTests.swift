import TernTesting
import Testing

@testable import TernEngine
@testable import TernPlanning
@testable import TernServer

@Suite("The page of metrics")
struct MetricsPageTests {
    /// Metrics with a different number everywhere.
    private var metrics: EngineMetrics {
        var metrics = EngineMetrics()
        metrics.scheduler = SchedulerCounts(
            running: 3, waiting: 4, usedBlocks: 1, cachedBlocks: 0, totalBlocks: 4,
            prefixQueryTokens: 50, prefixHitTokens: 20, preemptions: 6)
        metrics.promptTokens = 100
        metrics.generatedTokens = 70
        metrics.stepsByMode = [.tensor: 8, .sequence: 9]
        metrics.shifts = 5
        metrics.finished = [.stop: 11, .cancelled: 2]
        metrics.ranks.restarts = 1
        metrics.communicationBytes = ["all_reduce": 12, "all_to_all": 13]
        metrics.histograms.timeToFirstToken.record(0.03)
        metrics.histograms.timeToFirstToken.record(3000)
        metrics.histograms.stepDuration[.tensor]?.record(0.002)
        return metrics
    }

    @Test("Gauges, counters and histograms stand under the names that dashboards read")
    func names() {
        let lines = MetricsPage.text(metrics, model: "m").split(separator: "\n").map(String.init)
        let labels = #"model_name="m",engine="0""#
        for line in [
            "vllm:num_requests_running{\(labels)} 3.0",
            "vllm:num_requests_waiting{\(labels)} 4.0",
            "vllm:kv_cache_usage_perc{\(labels)} 0.25",
            "vllm:prompt_tokens_total{\(labels)} 100",
            "vllm:generation_tokens_total{\(labels)} 70",
            "vllm:prefix_cache_queries_total{\(labels)} 50",
            "vllm:prefix_cache_hits_total{\(labels)} 20",
            "vllm:num_preemptions_total{\(labels)} 6",
            #"vllm:request_success_total{\#(labels),finished_reason="stop"} 11"#,
            #"vllm:request_success_total{\#(labels),finished_reason="abort"} 2"#,
            #"vllm:time_to_first_token_seconds_bucket{\#(labels),le="0.02"} 0"#,
            #"vllm:time_to_first_token_seconds_bucket{\#(labels),le="0.04"} 1"#,
            #"vllm:time_to_first_token_seconds_bucket{\#(labels),le="2560.0"} 1"#,
            #"vllm:time_to_first_token_seconds_bucket{\#(labels),le="+Inf"} 2"#,
            "vllm:time_to_first_token_seconds_sum{\(labels)} 3000.03",
            "vllm:time_to_first_token_seconds_count{\(labels)} 2",
            #"tern:steps_total{\#(labels),mode="sequence"} 9"#,
            "tern:shifts_total{\(labels)} 5",
            #"tern:step_duration_seconds_count{\#(labels),mode="tensor"} 1"#,
            "tern:rank_restarts_total{\(labels)} 1",
            #"tern:communication_bytes_total{\#(labels),collective="all_to_all"} 13"#,
        ] { #expect(lines.contains(line), "\(line)") }
        let histograms = lines.filter { $0.hasSuffix(" histogram") }.map {
            $0.split(separator: " ")[2]
        }
        #expect(
            histograms == [
                "vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds",
                "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds",
                "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds",
                "vllm:request_decode_time_seconds", "vllm:iteration_tokens_total",
                "tern:step_duration_seconds",
            ])
    }

    @Test("Every family has its help and type once, before its series")
    func order() {
        var family = ""
        var seen: Set<String> = []
        for line in MetricsPage.text(metrics, model: "m").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if line.hasPrefix("# TYPE") {
                family = words[2]
                #expect(seen.insert(family).inserted)
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(family))
                #expect(Double(words.last ?? "") != nil)
            }
        }
        #expect(seen.count == 22)
    }

    @Test("A model's name cannot break out of its label")
    func escaping() {
        let text = MetricsPage.text(EngineMetrics(), model: "a\"b\\c\nd")
        #expect(
            text.contains(#"vllm:num_requests_running{model_name="a\"b\\c\nd",engine="0"} 0.0"#))
    }

    @Test("It is served as text, and guarded by the key")
    func served() throws {
        try withServer(configure: { $0.apiKey = "secret" }) { _, port in
            let client = try TestClient(port: port)
            #expect(try client.get("/metrics").status == 401)
            let page = try client.get("/metrics", headers: "Authorization: Bearer secret\r\n")
            #expect(page.status == 200)
            #expect(page["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(page.text.contains(#"tern:shifts_total{model_name="test",engine="0"} 0"#))
        }
    }
}
