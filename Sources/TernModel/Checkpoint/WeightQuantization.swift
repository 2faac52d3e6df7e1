// Which weights of a model are held in whole numbers, and in which format: those that the checkpoint
// has so, or those that the caller wants so. Norms, biases, routers and the projections of latent
// rows never are: they are small, and what follows hangs on them.

import TernTensor

/// What is quantized, and how; nothing, as it is made.
public struct WeightQuantization: Sendable, Equatable {
    /// What to make at load of the layers' matrices: attention's projections, MLPs and experts.
    public var layers: WeightFormat?
    /// What to make of the table that logits come of; where it is tied, of the embedding too.
    public var head: WeightFormat?
    /// What the checkpoint's matrices are, where it is quantized already.
    public var saved: CheckpointQuantization?

    /// Quantizes what has a format.
    public init(
        layers: WeightFormat? = nil, head: WeightFormat? = nil,
        saved: CheckpointQuantization? = nil
    ) {
        self.layers = layers
        self.head = head
        self.saved = saved
    }
}

extension WeightQuantization: CustomStringConvertible {
    /// As `tern inspect` and a start's lines tell it; empty where nothing is quantized.
    public var description: String {
        var parts: [String] = []
        switch saved {
        case .channelInt8: parts.append("W8A8 of compressed-tensors")
        case .packed: parts.append("W4A16 of compressed-tensors")
        case .awq: parts.append("AWQ of 4 bits")
        case .gptq: parts.append("GPTQ of 4 bits")
        case nil: if let layers { parts.append("layers in \(layers)") }
        }
        if let head { parts.append("logits' weights in \(head)") }
        return parts.joined(separator: ", ")
    }
}

/// What a matrix is to the quantization of its model.
enum WeightRole: Sendable {
    /// Never quantized.
    case kept
    /// A matrix of a layer.
    case layer
    /// The table that logits come of.
    case head
}

extension WeightLoader {
    /// The format of a matrix of these sources whose inputs are cut into parts.
    ///
    /// Throws: `CheckpointError` where the parts do not fit, or the sources differ.
    func format(
        _ role: WeightRole, _ sources: [RowSource], inputParts: [Int]
    ) throws(CheckpointError) -> WeightFormat {
        let wanted: WeightFormat? =
            switch role {
            case .kept: nil
            case .layer: quantization.layers
            case .head: quantization.head
            }
        let inputs = inputParts[inputParts.count - 1]
        guard let format = try savedFormat(sources, inputs: inputs) ?? wanted else {
            return .plain(dtype)
        }
        guard role != .kept else {
            throw CheckpointError(
                "config.json",
                "\(sources[0].name) is quantized; routers and projections of latent rows are read as "
                    + "F32, BF16 or F16 alone")
        }
        guard format.admits(inputParts: inputParts) else {
            throw CheckpointError(
                "config.json",
                "\(sources[0].name) with its inputs cut at \(inputParts) cannot be held in \(format)"
            )
        }
        return format
    }

    /// Nil where the sources are real numbers.
    private func savedFormat(
        _ sources: [RowSource], inputs: Int
    ) throws(CheckpointError) -> WeightFormat? {
        guard let scheme = quantization.saved, case .checkpoint(let checkpoint) = source else {
            return nil
        }
        let held = sources.count { QuantizedMatrix.isHeld($0.module, scheme, in: checkpoint) }
        guard held == 0 || held == sources.count else {
            throw CheckpointError(
                "config.json",
                "\(sources[0].name) and what is held with it: \(held) of \(sources.count) are "
                    + "quantized, expected all or none")
        }
        guard held > 0 else { return nil }
        guard scheme == .channelInt8 || inputs % 8 == 0 else {
            throw CheckpointError(
                "config.json",
                "\(sources[0].name) has \(inputs) inputs, expected a multiple of 8 for words of 4 bits"
            )
        }
        return scheme.format(inputs: inputs)
    }

    /// The quantized tensors of a source; nil where it is of real numbers.
    func quantizedMatrix(
        _ rows: RowSource, inputs: Int, in checkpoint: Checkpoint
    ) throws(CheckpointError) -> QuantizedMatrix? {
        guard let scheme = quantization.saved,
            QuantizedMatrix.isHeld(rows.module, scheme, in: checkpoint)
        else { return nil }
        let shape = rows.shape(inputs: inputs)
        guard shape.count == 2, shape[1] == inputs else {
            throw CheckpointError(
                "config.json",
                "\(rows.name) of shape \(shape) is quantized, expected matrices of \(inputs) inputs"
            )
        }
        return try QuantizedMatrix(
            rows.module, outputs: shape[0], inputs: inputs, scheme, in: checkpoint)
    }
}

extension RowSource {
    /// The name of its module.
    fileprivate var module: String {
        name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    }
}
