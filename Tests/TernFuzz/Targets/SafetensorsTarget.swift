// Fuzzes the head of safetensors files: offsets, shapes and types. What is accepted is loaded whole.

import TernEngine
import TernModel

/// The reader of checkpoints.
enum SafetensorsTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let folder = "Tests/Golden/families/llama"
        let whole = try corpus.bytes(folder + "/model.safetensors")
        scratch.write("config.json", try corpus.bytes(folder + "/config.json"))
        let header =
            #"{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
            + #""v":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"__metadata__":{"a":"b"}}"#
        let length = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0]
        let small = length + Array(header.utf8) + [UInt8](repeating: 7, count: 32)
        return FuzzTarget(
            name: "safetensors", language: .binary, seeds: [small, whole],
            words: [
                "\"shape\":[", "-1", "9223372036854775807", "4611686018427387904", "data_offsets",
                "\"F16\"", "\"I64\"", "[0,0]", "{", "}", "1e30", "null", "\"U8\"",
            ], inputBytes: 1 << 19
        ) { input in
            scratch.write("model.safetensors", input)
            _ = Result {
                _ = try Safetensors(folder: scratch.folder, file: "model.safetensors")
                try TinyEngine.tryOut(TinyEngine.configuration(scratch.folder), prompt: [1, 2])
            }
        }
    }
}
