// Chunks of logits and weights, which draws are made of; workers share the chunks of a row.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Compares sixteen lanes at a time.
    public func chunkMaxima(_ values: Tensor, into maxima: Tensor) {
        OpChecks.chunkMaxima(values, into: maxima)
        var arguments = tern_chunk_maxima_args(
            values: values.floats, count: Int64(values.shape[0]), maxima: maxima.floats)
        run(table.chunk_maxima, &arguments, over: values)
    }

    /// The exponential is the kernels' own.
    public func weigh(
        _ logits: Tensor, highest: Float, temperature: Float, least: Float, into weights: Tensor,
        sums: Tensor
    ) {
        OpChecks.weigh(logits, temperature: temperature, into: weights, sums: sums)
        var arguments = tern_weigh_args(
            logits: logits.floats, count: Int64(logits.shape[0]), highest: highest,
            temperature: temperature, least: least, weights: weights.floats, sums: sums.floats)
        run(table.weigh, &arguments, over: logits)
    }

    /// Adds sixteen lanes at a time.
    public func chunkSums(_ weights: Tensor, atLeast least: Float, into sums: Tensor) {
        OpChecks.chunkSums(weights, into: sums)
        var arguments = tern_chunk_sums_args(
            weights: weights.floats, count: Int64(weights.shape[0]), least: least,
            sums: sums.floats)
        run(table.chunk_sums, &arguments, over: weights)
    }

    private func run<Arguments: BitwiseCopyable>(
        _ kernel: tern_kernel, _ arguments: inout Arguments, over row: Tensor
    ) {
        pool.run(kernel, &arguments, alone: row.shape.count < Self.elementsAlone)
    }
}
