import TernCPU
import TernJSON
import TernPlanning
import TernTensor
import TernTesting
import Testing

@testable import TernModel

/// GGUF files of every type and family against what transformers recorded of them.
@Suite("GGUF models")
struct GGUFTests {
    private static let names = TemporaryFolder.names(in: Fixture.root + "/Tests/Golden/gguf")
        .filter { $0.hasSuffix(".gguf") }.map { String($0.dropLast(5)) }

    private func gguf(_ name: String) throws -> GGUF {
        try GGUF(path: Fixture.root + "/Tests/Golden/gguf/\(name).gguf")
    }

    private func runner(
        _ name: String, dtype: DType, backend: any Backend
    ) throws -> ModelRunner {
        let gguf = try gguf(name)
        return try ModelRunner(
            ModelConfiguration(gguf), dtype: dtype, backend: backend,
            source: .checkpoint(Checkpoint(gguf)))
    }

    @Test("Logits and greedy tokens are those of transformers in float32", arguments: names)
    func matchesTransformers(name: String) throws {
        let runner = try runner(name, dtype: .float32, backend: CPUBackend(pins: false))
        let prompts = try #require(Fixture.golden("gguf/\(name).json")["prompts"]?.array)
        #expect(prompts.count == 3)
        for golden in prompts {
            let prompt = try #require(golden["prompt_token_ids"]?.array).compactMap(\.integer)
            let expected = try #require(golden["logits"]?.array).compactMap(\.number)
            let tokens = try #require(golden["token_ids"]?.array).compactMap(\.integer)
            let logits = runner.logits(prompt, at: 0)
            #expect(logits.count == expected.count)
            let errors = zip(logits, expected).map { abs(Double($0) - $1) }
            #expect(errors.allSatisfy { $0 < 1e-3 }, "largest \(errors.max() ?? 0)")
            #expect(runner.greedy(prompt, count: tokens.count) == tokens)
        }
    }

    @Test("Every type of tensor that is read is in some file, and files tell their resident type")
    func types() throws {
        #expect(Self.names.count == 9)
        var encodings: [ElementEncoding] = []
        for name in Self.names { encodings += try gguf(name).tensors.values.map(\.encoding) }
        for format in BlockFormat.allCases {
            #expect(encodings.contains(.blocks(format)), "\(format.rawValue)")
        }
        for type in [DType.float32, .float16, .bfloat16] {
            #expect(encodings.contains(.plain(type)), "\(type)")
        }
        #expect(try Checkpoint(gguf("qwen2-k")).commonType == .bfloat16)
        #expect(try Checkpoint(gguf("llama-f16")).commonType == .float16)
    }

    @Test(
        "Blocks become the values that gguf-py makes of them, bit for bit, whole and in parts",
        arguments: BlockFormat.allCases)
    func blocks(format: BlockFormat) throws {
        let golden = try #require(Fixture.golden("gguf/blocks.json")[format.rawValue])
        let hex = Array(try #require(golden["bytes"]?.string).utf8)
        let bits = try #require(golden["bits"]?.array).compactMap(\.integer).map { UInt32($0) }
        #expect(hex.count == 4 * format.bytes && bits.count == 2 * format.elements)
        let storage = try Storage(zeroedBytes: hex.count / 2)
        for index in 0..<hex.count / 2 {
            let digits = String(decoding: hex[2 * index..<2 * index + 2], as: UTF8.self)
            storage.base.storeBytes(
                of: try #require(UInt8(digits, radix: 16)), toByteOffset: index, as: UInt8.self)
        }
        let tensor = CheckpointTensor(
            storage: storage, byteOffset: 0, encoding: .blocks(format),
            shape: [1, bits.count], file: "blocks")
        #expect(tensor.bytes == hex.count / 2)
        for range in [
            0..<bits.count, 5..<bits.count - 3, format.elements - 1..<format.elements + 1,
        ] {
            var values = [Float](repeating: .nan, count: range.count)
            tensor.expand(rows: 0..<1, inputs: range, width: bits.count, into: &values)
            #expect(values.map(\.bitPattern) == Array(bits[range]))
        }
    }
}
