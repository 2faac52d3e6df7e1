// Choosing experts and summing what they gave; workers share the tokens.

import CTernKernels
import TernTensor

extension CPUBackend {
    /// Chooses and weighs; the scores' exponential is the kernels' own.
    public func route(
        _ logits: Tensor, _ rule: RouterRule, into experts: Tensor, weights: Tensor
    ) {
        OpChecks.route(logits, rule, into: experts, weights: weights)
        precondition(
            logits.shape[1] <= Int(TERN_MAX_EXPERTS),
            "route: \(logits.shape[1]) experts, at most \(TERN_MAX_EXPERTS)")
        var arguments = tern_route_args(
            logits: logits.floats, rows: Int64(logits.shape[0]),
            count: Int64(logits.shape[1]), per_token: Int64(experts.shape[1]),
            logits_row: logits.stride(0), weights_row: weights.stride(0),
            scoring: Int32(rule.scoring == .softmax ? TERN_SOFTMAX : TERN_SIGMOID),
            chooses_by_scores: rule.choosesByScores ? 1 : 0, correction: rule.correction?.floats,
            groups: Int64(rule.groups?.count ?? 0), top_groups: Int64(rule.groups?.chosen ?? 0),
            group_best: rule.groups?.score == .sumOfTwoBest ? 2 : 1,
            renormalizes: rule.renormalizes ? 1 : 0, least_sum: RouterRule.leastSum,
            factor: rule.factor, experts: experts.integers,
            weights: weights.floats)
        let comparisons = logits.shape.count * experts.shape[1]
        pool.run(table.route, &arguments, alone: comparisons < Self.elementsAlone)
    }

    /// Sums in the order that `Backend.combine` states.
    public func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor
    ) {
        OpChecks.combine(rows, slots: slots, weights: weights, parts: parts, into: output)
        var arguments = tern_combine_args(
            input: rows.floats, input_row: rows.stride(0), slots: slots.integers,
            parts: parts.integers, weights: weights.floats, weights_row: weights.stride(0),
            count: Int64(output.shape[0]), per_token: Int64(slots.shape[1]),
            width: Int64(output.shape[1]), output: output.floats, output_row: output.stride(0))
        pool.run(table.combine, &arguments, alone: output.shape.count < Self.elementsAlone)
    }
}
