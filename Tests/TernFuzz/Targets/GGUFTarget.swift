// Fuzzes GGUF files: metadata, the list of tensors, the tokenizer inside. What is accepted is loaded.

import TernEngine
import TernModel

/// The reader of GGUF files.
enum GGUFTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let seeds = try corpus.files(in: "Tests/Golden/gguf", ending: ".gguf")
        return FuzzTarget(
            name: "gguf", language: .binary, seeds: seeds,
            words: [
                "llama", "qwen2", "qwen3", "mixtral", "general.architecture", "general.alignment",
                "tokenizer.ggml.tokens", "token_embd.weight", "blk.0.", "blk.00.", "split.count",
            ], inputBytes: 1 << 20, memoryBytes: 2 << 30
        ) { input in
            scratch.write("model.gguf", input)
            let path = scratch.folder + "/model.gguf"
            _ = Result {
                let files = try ModelFiles(path)
                _ = Result { try files.tokenizer().encode("The hero \u{E9} 123\n") }
                _ = Result { try files.chatTemplate() }
                try TinyEngine.tryOut(TinyEngine.configuration(path), prompt: [1, 2])
            }
        }
    }
}
