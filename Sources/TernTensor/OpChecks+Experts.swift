// What the ops of mixtures of experts demand of their operands.

extension OpChecks {
    /// The most parts that `combine` sums.
    public static let mostParts = 16

    /// The most experts that `route` chooses among.
    public static let mostExperts = 1024

    /// See `Backend.route`.
    public static func route(
        _ logits: Tensor, _ rule: RouterRule, into experts: Tensor, weights: Tensor
    ) {
        precondition(
            logits.shape.rank == 2 && experts.shape.rank == 2,
            "route: logits of shape \(logits.shape) into experts of shape \(experts.shape)")
        let count = logits.shape[1]
        let perToken = experts.shape[1]
        precondition(
            (1...mostExperts).contains(count) && (1...count).contains(perToken),
            "route: \(perToken) of \(count) experts, at most \(mostExperts)")
        let shape = Shape(logits.shape[0], perToken)
        floats(logits, logits.shape, "route: logits")
        floats(weights, shape, "route: weights")
        integers(experts, shape, "route: experts")
        if let correction = rule.correction {
            floats(correction, Shape(count), "route: correction")
        }
        if let groups = rule.groups { route(groups, experts: count, perToken: perToken) }
    }

    private static func route(_ groups: RouterRule.Groups, experts: Int, perToken: Int) {
        precondition(
            groups.count > 0 && experts % groups.count == 0,
            "route: \(experts) experts in \(groups.count) groups")
        let size = experts / groups.count
        precondition(
            (1...groups.count).contains(groups.chosen) && perToken <= groups.chosen * size,
            "route: \(perToken) experts from \(groups.chosen) of \(groups.count) groups of \(size)")
        precondition(
            size >= 2 || groups.score == .best, "route: two best experts of a group of \(size)")
    }

    /// See `Backend.combine`.
    public static func combine(
        _ rows: Tensor, slots: Tensor, weights: Tensor, parts: Tensor, into output: Tensor
    ) {
        precondition(
            rows.shape.rank == 2 && slots.shape.rank == 2,
            "combine: rows of shape \(rows.shape) by slots of shape \(slots.shape)")
        floats(rows, rows.shape, "combine: rows")
        floats(weights, slots.shape, "combine: weights")
        floats(output, Shape(slots.shape[0], rows.shape[1]), "combine: output")
        integers(slots, slots.shape, "combine: slots")
        integers(parts, slots.shape, "combine: parts")
        slots.withElements(of: Int32.self) { slots in
            for slot in slots {
                precondition(
                    Int(slot) < rows.shape[0], "combine: slot \(slot) of \(rows.shape[0])")
            }
        }
        parts.withElements(of: Int32.self) { parts in
            for part in parts {
                precondition(
                    part >= 0 && part < mostParts, "combine: part \(part) of \(mostParts)")
            }
        }
    }

    private static func integers(_ tensor: Tensor, _ shape: Shape, _ name: StaticString) {
        precondition(
            tensor.dtype == .int32 && tensor.shape == shape && tensor.isDense,
            "\(name): found \(tensor.dtype) \(tensor.shape), expected dense int32 \(shape)")
    }
}
