// What config.json says of a checkpoint of compressed-tensors, as llm-compressor writes them: W8A8 and
// W4A16. Others of its many schemes are refused, each by what is not read of it.

import TernJSON

extension CheckpointQuantization {
    init(compressedTensors reader: ConfigurationReader) throws(CheckpointError) {
        let format = try reader.text("format")
        guard let format, ["int-quantized", "pack-quantized"].contains(format) else {
            throw CheckpointError(
                reader.file,
                "format is \(format ?? "missing"), expected int-quantized or pack-quantized")
        }
        let isPacked = format == "pack-quantized"
        let name = isPacked ? "W4A16" : "W8A8"
        try Self.refuseWhatIsDoneBeside(reader)
        var schemes: [(Self, file: String)] = []
        for (key, group) in reader.value("config_groups")?.object?.members ?? [] {
            let file = "\(reader.file).config_groups.\(key)"
            guard let weights = group["weights"], weights.object != nil else {
                throw CheckpointError(file, "weights is missing, expected those of \(name)")
            }
            let whole = ConfigurationReader(file: file, object: group)
            try Self.refuse("output_activations", of: whole)
            if let own = try whole.text("format"), own != format {
                throw CheckpointError(file, "format is \(own), expected \(format) as of the whole")
            }
            let reader = ConfigurationReader(file: "\(file).weights", object: weights)
            let inputs = whole.value("input_activations")
            schemes.append(
                (
                    isPacked
                        ? try Self.packed(reader, inputs: inputs, file)
                        : try Self.channels(reader, inputs: inputs, file), file
                ))
        }
        guard let first = schemes.first else {
            throw CheckpointError(
                reader.file,
                "config_groups is missing, expected those of \(name)")
        }
        if let other = schemes.first(where: { $0.0 != first.0 }) {
            throw CheckpointError(
                other.file, "weights are quantized otherwise than those of the first group")
        }
        self = first.0
    }

    /// Refuses what changes the values of weights or of what flows between them.
    private static func refuseWhatIsDoneBeside(
        _ reader: ConfigurationReader
    ) throws(CheckpointError) {
        try refuse("transform_config", of: reader)
        guard let sparsity = reader.value("sparsity_config"), sparsity["format"] != "dense" else {
            return
        }
        try refuse("sparsity_config", of: reader)
    }

    /// Refuses a key whose object is not empty.
    private static func refuse(
        _ key: String, of reader: ConfigurationReader
    ) throws(CheckpointError) {
        guard let value = reader.value(key), value.object?.members.isEmpty != true else { return }
        throw CheckpointError(reader.file, "\(key) is given, expected none: it is not applied")
    }

    /// W8A8.
    private static func channels(
        _ weights: ConfigurationReader, inputs given: JSON?, _ file: String
    ) throws(CheckpointError) -> Self {
        guard let given, given.object != nil else {
            throw CheckpointError(file, "input_activations is missing, expected those of W8A8")
        }
        let inputs = ConfigurationReader(file: "\(file).input_activations", object: given)
        for (part, strategy) in [(weights, "channel"), (inputs, "token")] {
            guard try part.count("num_bits") == 8, try part.flag("symmetric", default: true) else {
                throw CheckpointError(part.file, "expected 8 bits, symmetric")
            }
            try expect(part, "type", "int")
            try expect(part, "strategy", strategy)
        }
        return .channelInt8
    }

    /// W4A16.
    private static func packed(
        _ weights: ConfigurationReader, inputs: JSON?, _ file: String
    ) throws(CheckpointError) -> Self {
        guard inputs == nil else {
            throw CheckpointError(file, "input_activations is given, expected none, as W4A16 has")
        }
        let bits = try weights.count("num_bits")
        guard bits == 4 else {
            throw CheckpointError(weights.file, "num_bits is \(bits), expected 4")
        }
        try expect(weights, "type", "int")
        let strategy = try weights.text("strategy")
        let group: Int?
        switch strategy {
        case "channel": group = nil
        case "group": group = try groupSize(weights)
        default:
            throw CheckpointError(
                weights.file, "strategy is \(strategy ?? "missing"), expected group or channel")
        }
        return .packed(group: group, hasZeros: !(try weights.flag("symmetric", default: true)))
    }
}
