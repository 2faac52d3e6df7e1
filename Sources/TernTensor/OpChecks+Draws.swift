// What every backend demands of the operands of the ops that draws are made of.

extension OpChecks {
    /// See `Backend.chunkMaxima`.
    public static func chunkMaxima(_ values: Tensor, into maxima: Tensor) {
        floats(values, Shape(values.shape[0]), "chunkMaxima: values")
        floats(maxima, Shape(Chunks.count(of: values.shape[0])), "chunkMaxima: maxima")
    }

    /// See `Backend.weigh`.
    public static func weigh(
        _ logits: Tensor, temperature: Float, into weights: Tensor, sums: Tensor
    ) {
        floats(logits, Shape(logits.shape[0]), "weigh: logits")
        floats(weights, logits.shape, "weigh: weights")
        floats(sums, Shape(Chunks.count(of: logits.shape[0])), "weigh: sums")
        precondition(temperature > 0, "weigh: temperature \(temperature), expected above 0")
    }

    /// See `Backend.chunkSums`.
    public static func chunkSums(_ weights: Tensor, into sums: Tensor) {
        floats(weights, Shape(weights.shape[0]), "chunkSums: weights")
        floats(sums, Shape(Chunks.count(of: weights.shape[0])), "chunkSums: sums")
    }
}
