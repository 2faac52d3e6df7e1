// Grammars through the whole engine: texts satisfy their schemas, and what is drawn has the same bits
// in every mode, however prompts are cut and sequences preempted.

import TernEngine
import TernJSON
import TernPlanning
import TernTensor
import TernTesting
import TernText
import Testing

@Suite("Grammars in the engine", .serialized)
struct GrammarEngineTests {
    private static let schema: JSON = [
        "type": "object", "required": ["name", "tags"],
        "properties": [
            "name": ["type": "string", "maxLength": 3], "kind": ["enum": ["ship", "shore"]],
            "tags": ["type": "array", "items": ["type": "boolean"], "minItems": 1, "maxItems": 3],
        ],
    ]

    private static func requests(_ engine: Engine) throws -> [GenerationRequest] {
        let grammars = [
            try engine.grammar(.schema(schema)), try engine.grammar(.object),
            try engine.grammar(.schema(schema)),
        ]
        return grammars.enumerated().map { index, grammar in
            var parameters = engine.defaultParameters(maxTokens: 60)
            parameters.temperature = index == 1 ? 0 : 1.2
            parameters.seed = UInt64(index)
            parameters.logprobs = 3
            parameters.adjustments.grammar = grammar
            parameters.adjustments.frequencyPenalty = index == 2 ? 0.5 : 0
            var request = GenerationRequest(
                prompt: tokens(20 + 11 * index, salt: index), parameters: parameters)
            request.choices = 2
            return request
        }
    }

    private static func answers(
        _ change: (inout EngineConfiguration) -> Void
    ) throws -> (answers: [[Answer]], preemptions: Int) {
        let engine = try Engine.tiny(change)
        let answers = try engine.answers(try requests(engine))
        let preemptions = Int(engine.metrics.scheduler?.preemptions ?? 0)
        try engine.stop()
        return (answers, preemptions)
    }

    @Test("Texts satisfy their schema, and have the same bits in every mode, cut and preempted")
    func sameBits() throws {
        let expected = try Self.answers { $0.maxBatchedTokens = 256 }.answers
        for answer in expected[0] + expected[2] {
            #expect(answer.finish == .stop, "\(answer.text)")
            let value = try JSON(parsing: answer.text)
            #expect((1...3).contains(value["tags"]?.array?.count ?? 0))
            #expect(value["name"]?.string.map { $0.unicodeScalars.count <= 3 } == true)
        }
        #expect(expected[1].allSatisfy { $0.text.hasPrefix("{") || $0.text.hasPrefix(" {") })
        #expect(Set(expected[0].map(\.text)).count == 2, "choices that differ")
        for topology in [
            Topology(sequence: 2), Topology(tensor: 2), Topology(pipeline: 2),
            Topology(sequence: 2, tensor: 2),
        ] {
            let found = try Self.answers {
                $0.topology = topology
                $0.shift = .given(ShiftPolicy(.threshold(5)))
                $0.maxBatchedTokens = 19
            }
            #expect(found.answers == expected, "\(topology)")
        }
        let block =
            2
            * KeyValueBlocks.blockBytes(
                blockSize: 16, heads: 2, headDimension: 24, dtype: .bfloat16)
        let crowded = try Self.answers {
            $0.maxModelLength = 128
            $0.cacheBytes = 9 * block
        }
        #expect(crowded.answers == expected && crowded.preemptions > 0)
    }

    @Test("The trained model's answers keep to a schema, greedy, sampled, with a minimum of tokens")
    func telemachus() throws {
        let engine = try Engine.telemachus()
        let grammar = try engine.grammar(.schema(Self.schema))
        var requests: [GenerationRequest] = []
        let changes: [(inout SamplingParameters) -> Void] = [
            { _ in }, { $0.minTokens = 60 }, { $0.ignoreEOS = true },
            { $0.adjustments.badWords = [[TokenID(1)]] },
            { $0.adjustments.allowedTokenIDs = [5, 6] },
        ]
        for (index, change) in changes.enumerated() {
            for temperature in [Float(0), 1] {
                var parameters = engine.defaultParameters(maxTokens: 120)
                parameters.temperature = temperature
                parameters.seed = UInt64(index)
                parameters.adjustments.grammar = grammar
                change(&parameters)
                let prompt = try engine.tokenizer.encode("Write JSON: name Argo, captain Jason.")
                requests.append(
                    GenerationRequest(prompt: prompt.map { TokenID($0) }, parameters: parameters))
            }
        }
        for (request, answers) in zip(requests, try engine.answers(requests)) {
            let answer = answers[0]
            #expect(answer.finish == (request.parameters.ignoreEOS ? .length : .stop))
            let text = answer.text
            let value = try JSON(parsing: text)
            #expect(
                value["name"]?.string != nil && value["tags"]?.array?.isEmpty == false, "\(text)")
        }
        try engine.stop()
    }

    @Test("A grammar that cannot be compiled never reaches a plan")
    func refusal() throws {
        let engine = try Engine.tiny()
        #expect(throws: GrammarError.self) { try engine.grammar(.schema(["pattern": "a"])) }
        #expect(throws: GrammarError.self) { try engine.grammar(.mark("[CALL]")) }
        var parameters = engine.greedy(4)
        parameters.adjustments.grammar = GrammarSource(text: Array("{}".utf8))
        let error = #expect(throws: EngineError.self) {
            try engine.submit(
                GenerationRequest(prompt: [1], parameters: parameters), deliver: { _ in })
        }
        #expect(error?.kind == .invalid(parameter: "response_format"))
        try engine.stop()
    }
}
