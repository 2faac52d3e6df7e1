import TernCPU
import TernEngine
import TernJSON
import TernPlanning
import TernTesting
import TernText
import Testing

/// A GGUF file in the place of a model folder: tokenizer, chat template, end tokens, splits.
@Suite("Engines of GGUF files", .serialized)
struct GGUFEngineTests {
    private static let folder = Fixture.root + "/Tests/Golden/gguf/"

    private func engine(
        _ name: String, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) throws -> Engine {
        try Engine.tiny(folder: Self.folder + name + ".gguf") {
            $0.loadFormat = .auto
            $0.requiresTokenizer = false
            change(&$0)
        }
    }

    @Test(
        "Splits of a quantized model give the same bits as one rank",
        arguments: ["llama-f16", "qwen2-k", "mixtral-q8"])
    func sameBits(name: String) throws {
        let topologies = [
            Topology(), Topology(tensor: 2), Topology(sequence: 2),
            Topology(sequence: 2, tensor: 2),
        ]
        let answers = try topologies.map { topology in
            let engine = try engine(name) {
                $0.topology = topology
                $0.shift = .given(ShiftPolicy(.threshold(8)))
            }
            var parameters = engine.greedy(6)
            parameters.logprobs = 67
            let answer = try engine.answer(
                GenerationRequest(prompt: tokens(20, below: 67), parameters: parameters))
            try engine.stop()
            return answer
        }
        #expect(answers[0].tokens.count == 6)
        for answer in answers.dropFirst() { #expect(answer == answers[0]) }
    }

    @Test("The tokenizer and the chat template inside are the model's, and so is its end token")
    func conversation() throws {
        let engine = try engine("llama3-q8") { $0.requiresTokenizer = true }
        for entry in try #require(Fixture.golden("tokenizers/llama3.json")["encoded"]?.array) {
            let text = try #require(entry["text"]?.string)
            let expected = try #require(entry["ids_with_special"]?.array).compactMap(\.integer)
            #expect(try engine.tokenizer.encode(text).map(Int.init) == expected)
        }
        let prompt = try engine.chatPrompt(messages: [["role": "user", "content": "Hi <|end|>"]])
        let ids = prompt.map { $0.rawValue }
        let text = "<|begin|>[user] Hi <|end|><|end|>[assistant] "
        #expect(try engine.tokenizer.decode(ids, skipSpecialTokens: false) == text)
        #expect(ids.count { $0 == 557 } == 1, "text of users never becomes a control token")
        #expect(engine.model.endOfSequence == [557])
        try engine.stop()
    }

    @Test("Byte-level tokenizers are those of tokenizers, by the name of their splitting")
    func preTokenizers() throws {
        for (fixture, name) in [("qwen2", "qwen2"), ("llama3", "llama-v3")] {
            let golden = try Fixture.golden("tokenizers/\(fixture).json")
            let folder = try TemporaryFolder()
            try folder.write("model.gguf", bytes(of: #require(golden["tokenizer"]), pre: name))
            let tokenizer = try ModelFiles(folder.path + "/model.gguf").tokenizer()
            let entries = try #require(golden["encoded"]?.array)
            #expect(entries.count > 10)
            for entry in entries {
                let text = try #require(entry["text"]?.string)
                let expected = entry["ids"]?.array?.compactMap(\.integer)
                let found = try tokenizer.encode(text, addSpecialTokens: false)
                #expect(found.map(Int.init) == expected, "\(fixture): \(text.debugDescription)")
            }
        }
    }

    @Test("SentencePiece's vocabularies give its tokens, where its byte fallback is read")
    func pieces() throws {
        let golden = try Fixture.golden("gguf/pieces.json")
        let folder = try TemporaryFolder()
        try folder.write("m.gguf", GGUFBytes.pieces(golden))
        let tokenizer = try ModelFiles(folder.path + "/m.gguf").tokenizer()
        for entry in try #require(golden["encoded"]?.array) {
            let text = try #require(entry["text"]?.string)
            let expected = try #require(entry["ids"]?.array).compactMap(\.integer)
            let found = try tokenizer.encode(
                text, addSpecialTokens: false, parsesSpecialTokens: false)
            #expect(found.map(Int.init) == expected, "\(text.debugDescription)")
            #expect(
                try tokenizer.decode(found, skipSpecialTokens: true).utf8.elementsEqual(text.utf8))
            #expect(try tokenizer.encode(text, parsesSpecialTokens: false) == [1] + found)
        }
    }

    @Test("A way to split texts that is not known is refused by name")
    func unknownSplitting() throws {
        let golden = try Fixture.golden("tokenizers/gpt2.json")
        let folder = try TemporaryFolder()
        try folder.write("m.gguf", bytes(of: #require(golden["tokenizer"]), pre: "mystery"))
        let files = try ModelFiles(folder.path + "/m.gguf")
        #expect {
            try files.tokenizer()
        } throws: {
            "\($0)".hasPrefix("m.gguf: tokenizer.ggml.pre mystery is not supported; supported are")
        }
    }

    /// A file that holds a tokenizer alone.
    private func bytes(of tokenizer: JSON, pre: String) throws -> [UInt8] {
        let model = try #require(tokenizer["model"])
        let added = try #require(tokenizer["added_tokens"]?.array)
        let members = try #require(model["vocab"]?.object?.members)
        var texts = members.compactMap { key, value in value.integer.map { ($0, key) } }
        let special = added.compactMap { token in
            token["content"]?.string.flatMap { text in token["id"]?.integer.map { ($0, text) } }
        }
        texts += special.filter { id, _ in !texts.contains { $0.0 == id } }
        texts.sort { $0.0 < $1.0 }
        #expect(texts.map(\.0) == Array(0..<texts.count))
        let merges = try #require(model["merges"]?.array).compactMap { merge in
            merge.string ?? merge.array?.compactMap(\.string).joined(separator: " ")
        }
        let kinds = texts.map { id, _ in Int32(special.contains { $0.0 == id } ? 3 : 1) }
        var bytes = GGUFBytes(tensors: 0, values: 5)
        bytes.append("tokenizer.ggml.model", .text("gpt2"))
        bytes.append("tokenizer.ggml.pre", .text(pre))
        bytes.append("tokenizer.ggml.tokens", .texts(texts.map(\.1)))
        bytes.append("tokenizer.ggml.token_type", .int32s(kinds))
        bytes.append("tokenizer.ggml.merges", .texts(merges))
        bytes.append(data: [UInt8](repeating: 0, count: 32))
        return bytes.bytes
    }
}
