// The ops along rows, and seeded numbers. Small ones are done by the caller alone.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Fills by index; workers share the elements.
    public func fillRandom(_ tensor: Tensor, seed: UInt64, scale: Float) {
        OpChecks.fillRandom(tensor)
        let numbers = SeededNormal(seed: seed, deviation: scale)
        var arguments = tern_fill_random_args(
            elements: tensor.address.assumingMemoryBound(to: CChar.self),
            count: Int64(tensor.shape.count), seed: numbers.seed, step: numbers.step,
            mean: SeededNormal.mean, type: tensor.dtype.kernelType)
        pool.run(table.fill_random, &arguments, alone: isSmall(tensor))
    }

    /// Normalizes each row, in the order of sums that `ReferenceBackend` states.
    public func rmsNorm(_ input: Tensor, weight: Tensor, epsilon: Float, into output: Tensor) {
        OpChecks.rmsNorm(input, weight: weight, into: output)
        let rank = input.shape.rank
        var arguments = tern_rms_norm_args(
            input: input.floats, output: output.floats, weight: weight.floats,
            rows: Int64(rank > 1 ? input.shape[0] : 1),
            heads: Int64(rank == 3 ? input.shape[1] : 1), width: Int64(input.shape[rank - 1]),
            input_row: input.stride(0), input_head: input.stride(1),
            output_row: output.stride(0), output_head: output.stride(1), epsilon: epsilon)
        pool.run(table.rms_norm, &arguments, alone: isSmall(input))
    }

    /// Adds element by element.
    public func add(_ input: Tensor, to accumulator: Tensor) {
        OpChecks.add(input, to: accumulator)
        var arguments = tern_add_args(
            input: input.floats, accumulator: accumulator.floats,
            rows: Int64(input.shape[0]), width: Int64(input.shape[1]),
            input_row: input.stride(0), accumulator_row: accumulator.stride(0))
        pool.run(table.add, &arguments, alone: isSmall(input))
    }

    /// Adds and normalizes in one pass over a row.
    public func addNormalize(
        _ update: Tensor, to hidden: Tensor, weight: Tensor, epsilon: Float, into output: Tensor
    ) {
        OpChecks.addNormalize(update, to: hidden, weight: weight, into: output)
        var arguments = tern_add_normalize_args(
            update: update.floats, hidden: hidden.floats, weight: weight.floats,
            output: output.floats, rows: Int64(update.shape[0]), width: Int64(update.shape[1]),
            update_row: update.stride(0), hidden_row: hidden.stride(0),
            output_row: output.stride(0), epsilon: epsilon)
        pool.run(table.add_normalize, &arguments, alone: isSmall(update))
    }

    /// Rotates pairs; the products are rounded before they are added.
    public func rotate(
        _ heads: Tensor, positions: Tensor, table angles: Tensor, pairing: RotaryPairing
    ) {
        OpChecks.rotate(heads, positions: positions, table: angles)
        var arguments = tern_rotate_args(
            heads: heads.floats, rows: Int64(heads.shape[0]),
            head_count: Int64(heads.shape[1]), rotated: Int64(angles.shape[1]),
            heads_row: heads.stride(0), heads_head: heads.stride(1),
            interleaved: pairing == .interleaved ? 1 : 0, positions: positions.integers,
            table: angles.floats, table_row: angles.stride(0))
        pool.run(table.rotate, &arguments, alone: isSmall(heads))
    }

    /// Caps by the kernels' own hyperbolic tangent; workers share rows, and the columns of long
    /// ones.
    public func softCap(_ tensor: Tensor, cap: Float) {
        OpChecks.softCap(tensor, cap: cap)
        var arguments = tern_soft_cap_args(
            elements: tensor.floats, rows: Int64(tensor.shape[0]),
            width: Int64(tensor.shape[1]), row: tensor.stride(0), cap: cap)
        pool.run(table.soft_cap, &arguments, alone: isSmall(tensor))
    }

    /// The activated gate times its up; the exponential is the kernels' own.
    public func activateMultiply(
        _ gateUp: Tensor, _ activation: GatedActivation, into output: Tensor
    ) {
        OpChecks.activateMultiply(gateUp, into: output)
        var arguments = tern_activate_multiply_args(
            gate_up: gateUp.floats, output: output.floats, rows: Int64(output.shape[0]),
            width: Int64(output.shape[1]), gate_up_row: gateUp.stride(0),
            output_row: output.stride(0), activation: 0, limit: 0, alpha: 0)
        switch activation {
        case .silu: arguments.activation = Int32(TERN_SILU)
        case .geluTanh: arguments.activation = Int32(TERN_GELU_TANH)
        case .clampedSwiGLU(let limit, let alpha):
            arguments.activation = Int32(TERN_CLAMPED_SWIGLU)
            (arguments.limit, arguments.alpha) = (limit, alpha)
        }
        pool.run(table.activate_multiply, &arguments, alone: isSmall(gateUp))
    }

    /// Copies rows.
    public func gather(_ input: Tensor, rows: Tensor, into output: Tensor) {
        OpChecks.gather(input, rows: rows, into: output)
        var arguments = tern_gather_args(
            input: input.floats, rows: rows.integers, output: output.floats,
            count: Int64(output.shape[0]), width: Int64(output.shape[1]),
            input_row: input.stride(0), output_row: output.stride(0))
        pool.run(table.gather, &arguments, alone: isSmall(output))
    }

    private func isSmall(_ tensor: Tensor) -> Bool { tensor.shape.count < Self.elementsAlone }
}
