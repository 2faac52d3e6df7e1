// The reference's chunks of logits and weights, which draws are made of.

import Glibc

extension ReferenceBackend {
    /// Compares one by one.
    public func chunkMaxima(_ values: Tensor, into maxima: Tensor) {
        OpChecks.chunkMaxima(values, into: maxima)
        let (source, target) = (values.floats(0), maxima.floats(0))
        for chunk in 0..<maxima.shape[0] {
            target[chunk] = -.infinity
            for index in Chunks.range(chunk, of: values.shape[0])
            where source[index] > target[chunk] {
                target[chunk] = source[index]
            }
        }
    }

    /// Exponentials in float64.
    public func weigh(
        _ logits: Tensor, highest: Float, temperature: Float, least: Float, into weights: Tensor,
        sums: Tensor
    ) {
        OpChecks.weigh(logits, temperature: temperature, into: weights, sums: sums)
        let (source, target) = (logits.floats(0), weights.floats(0))
        for index in 0..<logits.shape[0] {
            let exact = exp((Double(source[index]) - Double(highest)) / Double(temperature))
            let weight = Float(exact)
            target[index] = weight >= least ? weight : 0
        }
        chunkSums(weights, atLeast: 0, into: sums)
    }

    /// Adds lane by lane.
    public func chunkSums(_ weights: Tensor, atLeast least: Float, into sums: Tensor) {
        OpChecks.chunkSums(weights, into: sums)
        let (source, target) = (weights.floats(0), sums.floats(0))
        for chunk in 0..<sums.shape[0] {
            var lanes = SIMD16<Float>(repeating: 0)
            for index in Chunks.range(chunk, of: weights.shape[0]) where source[index] >= least {
                lanes[index % 16] += source[index]
            }
            target[chunk] = Self.halved(lanes)
        }
    }
}
