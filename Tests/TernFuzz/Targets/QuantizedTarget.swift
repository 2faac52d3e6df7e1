// Fuzzes checkpoints that are quantized already, of each layout that is read: config.json and weights in
// one input, so that what one says of the other goes wrong too. What is accepted is loaded.

import TernEngine
import TernModel
import TernTesting

/// The reader of quantized checkpoints.
enum QuantizedTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let seeds = WrittenScheme.allCases.filter(\.isQuantized).flatMap { scheme in
            [32, nil].map { group in
                let files = QuantizedCheckpoint.files(scheme, group: group)
                return length(files.configuration.count) + files.configuration + files.weights
            }
        }
        return FuzzTarget(
            name: "quantized", language: .binary, seeds: seeds,
            words: [
                "awq", "gptq", "gptq_v2", "compressed-tensors", "pack-quantized", "int-quantized",
                "\"group_size\":", "\"bits\":", "\"desc_act\":true", "\"symmetric\":true",
                "\"strategy\":", "channel", "-1", "8", "128", "9223372036854775807", ".qweight",
                ".qzeros", ".scales", ".g_idx", ".weight_packed", ".weight_scale",
                ".weight_zero_point", "\"I32\"", "\"I8\"", "\"F16\"", "\"BF16\"",
            ], inputBytes: 1 << 18
        ) { input in
            guard input.count >= 2 else { return }
            let end = 2 + Int(input[0]) + Int(input[1]) << 8
            guard end <= input.count else { return }
            scratch.write("config.json", Array(input[2..<end]))
            scratch.write("model.safetensors", Array(input[end...]))
            _ = Result {
                try TinyEngine.tryOut(TinyEngine.configuration(scratch.folder), prompt: [1, 2])
            }
        }
    }

    /// The two bytes before a configuration.
    private static func length(_ count: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
    }
}
