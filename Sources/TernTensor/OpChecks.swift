// What every backend demands of an op's operands before it touches memory: types, shapes and
// indices. Failing here is a bug of the caller's, so each check stops the process with both values.

/// The preconditions of the ops of `Backend`, shared by all backends.
public enum OpChecks {
    /// See `Backend.pack`.
    public static func pack(_ jobs: [PackJob], into weight: PackedWeight) {
        distinct(jobs.map(\.block))
        for job in jobs { pack(job, into: weight) }
    }

    /// Several workers write at once: no block may be two jobs'.
    static func distinct(_ blocks: [Int]) {
        precondition(
            Set(blocks).count == blocks.count, "pack: a block twice among \(blocks)")
    }

    private static func pack(_ job: PackJob, into weight: PackedWeight) {
        let blocks = weight.layout.blockPanels.count - 1
        precondition(
            job.block >= 0 && job.block < blocks, "pack: block \(job.block) of \(blocks)")
        precondition(
            weight.panels == 0..<weight.layout.panels,
            "pack: into a view of panels \(weight.panels) of \(weight.layout.panels)")
        let inputs = weight.format.isQuantized ? weight.storedInputs : weight.inputs
        precondition(
            job.rowStride >= inputs, "pack: rows \(job.rowStride) apart for \(inputs) inputs")
        let rows = weight.layout.rows(ofBlock: job.block).count
        let elements = rows == 0 ? 0 : (rows - 1) * job.rowStride + inputs
        let end = job.byteOffset + elements * job.elements.bytes
        precondition(
            job.byteOffset >= 0 && end <= job.source.bytes,
            "pack: bytes \(job.byteOffset) to \(end) of \(job.source.bytes)")
        pack(job.elements, rows: rows, into: weight)
    }

    private static func pack(_ elements: PackJob.Elements, rows: Int, into weight: PackedWeight) {
        switch elements {
        case .real(let dtype):
            precondition(dtype.isFloatingPoint, "pack: \(dtype) into \(weight.format)")
        case .whole(let scales):
            precondition(weight.format == .int8, "pack: whole numbers into \(weight.format)")
            floats(scales, Shape(rows, 1), "pack: scales")
            precondition(scales.isDense, "pack: scales apart from each other")
        }
    }

    /// See `Backend.fillRandom`.
    public static func fillRandom(_ tensor: Tensor) {
        precondition(tensor.isDense, "fillRandom: strided tensor \(tensor.shape)")
        precondition(tensor.dtype.isFloatingPoint, "fillRandom: tensor of \(tensor.dtype)")
    }

    /// See `Backend.embed`.
    public static func embed(_ tokens: Tensor, table: PackedWeight, into output: Tensor) {
        indices(tokens, count: output.shape[0], below: table.outputs, "embed: token")
        floats(output, Shape(output.shape[0], table.inputs), "embed: output")
    }

    /// See `Backend.linear`.
    public static func linear(
        _ input: Tensor, _ weight: PackedWeight, bias: Tensor?, into output: Tensor
    ) {
        floats(input, Shape(input.shape[0], weight.inputs), "linear: input")
        floats(output, Shape(input.shape[0], weight.outputs), "linear: output")
        if let bias { floats(bias, Shape(weight.outputs), "linear: bias") }
        precondition(
            weight.inputParts.count <= 17, "linear: \(weight.inputParts.count - 1) parts, not <= 16"
        )
    }

    /// See `Backend.rmsNorm`.
    public static func rmsNorm(_ input: Tensor, weight: Tensor, into output: Tensor) {
        precondition(input.shape.rank <= 3, "rmsNorm: shape \(input.shape)")
        floats(input, input.shape, "rmsNorm: input")
        floats(output, input.shape, "rmsNorm: output")
        floats(weight, Shape(input.shape[input.shape.rank - 1]), "rmsNorm: weight")
    }

    /// See `Backend.add`.
    public static func add(_ input: Tensor, to accumulator: Tensor) {
        precondition(input.shape.rank == 2, "add: shape \(input.shape)")
        floats(input, input.shape, "add: input")
        floats(accumulator, input.shape, "add: accumulator")
    }

    /// See `Backend.addNormalize`.
    public static func addNormalize(
        _ update: Tensor, to hidden: Tensor, weight: Tensor, into output: Tensor
    ) {
        precondition(update.shape.rank == 2, "addNormalize: shape \(update.shape)")
        floats(update, update.shape, "addNormalize: update")
        floats(hidden, update.shape, "addNormalize: hidden")
        floats(output, update.shape, "addNormalize: output")
        floats(weight, Shape(update.shape[1]), "addNormalize: weight")
    }

    /// See `Backend.rotate`.
    public static func rotate(_ heads: Tensor, positions: Tensor, table: Tensor) {
        precondition(heads.shape.rank == 3, "rotate: shape \(heads.shape)")
        floats(heads, heads.shape, "rotate: heads")
        precondition(table.shape.rank == 2, "rotate: table of shape \(table.shape)")
        floats(table, table.shape, "rotate: table")
        precondition(
            table.shape[1] % 2 == 0 && table.shape[1] <= heads.shape[2],
            "rotate: table of \(table.shape[1]) for heads of \(heads.shape[2])")
        indices(positions, count: heads.shape[0], below: table.shape[0], "rotate: position")
    }

    /// See `Backend.store`.
    public static func store(
        keys: Tensor, values: Tensor, slots: Tensor, into cache: KeyValueBlocks
    ) {
        let rows = keys.shape[0]
        floats(keys, Shape(rows, cache.heads, cache.headDimension), "store: keys")
        floats(values, Shape(rows, cache.heads, cache.valueDimension), "store: values")
        indices(slots, count: rows, below: cache.blockCount * cache.blockSize, "store: slot")
        precondition(
            cache.dtype.isFloatingPoint || cache.dtype == .int8, "store: cache of \(cache.dtype)")
    }

    /// See `Backend.attend`.
    public static func attend(
        _ queries: Tensor, cache: KeyValueBlocks, batch: AttentionBatch, _ rule: AttentionRule,
        into output: Tensor
    ) {
        precondition(queries.shape.rank == 3, "attend: queries of shape \(queries.shape)")
        let heads = queries.shape[1]
        precondition(
            heads % cache.heads == 0, "attend: \(heads) query heads on \(cache.heads) cache heads")
        let rows = queries.shape[0]
        floats(queries, Shape(rows, heads, cache.headDimension), "attend: queries")
        floats(output, Shape(rows, heads, cache.valueDimension), "attend: output")
        attend(rule, heads: heads)
        attend(batch, cache: cache, rows: rows)
    }

    private static func attend(_ rule: AttentionRule, heads: Int) {
        if let window = rule.window { precondition(window > 0, "attend: window of \(window)") }
        if let cap = rule.softCap { precondition(cap > 0, "attend: soft cap of \(cap)") }
        if let sinks = rule.sinks { floats(sinks, Shape(heads), "attend: sinks") }
    }

    private static func attend(_ batch: AttentionBatch, cache: KeyValueBlocks, rows: Int) {
        precondition(
            batch.spans.shape == Shape(batch.spans.shape[0], 4) && batch.spans.isDense,
            "attend: spans of shape \(batch.spans.shape)")
        let entries = batch.blocks.shape[0]
        indices(batch.blocks, count: entries, below: cache.blockCount, "attend: block")
        for index in 0..<batch.spans.shape[0] {
            let span = batch.span(index)
            let blocks = (span.position + span.rows + cache.blockSize - 1) / cache.blockSize
            precondition(
                span.firstRow >= 0 && span.rows >= 0 && span.firstRow + span.rows <= rows,
                "attend: \(span) of \(rows) rows")
            precondition(
                span.position >= 0 && span.firstBlock >= 0 && span.firstBlock + blocks <= entries,
                "attend: \(span) of \(entries) blocks")
        }
    }

    /// See `Backend.softCap`.
    public static func softCap(_ tensor: Tensor, cap: Float) {
        precondition(tensor.shape.rank == 2, "softCap: shape \(tensor.shape)")
        floats(tensor, tensor.shape, "softCap: tensor")
        precondition(cap > 0, "softCap: cap of \(cap)")
    }

    /// See `Backend.activateMultiply`.
    public static func activateMultiply(_ gateUp: Tensor, into output: Tensor) {
        precondition(output.shape.rank == 2, "activateMultiply: output of shape \(output.shape)")
        floats(output, output.shape, "activateMultiply: output")
        floats(
            gateUp, Shape(output.shape[0], 2 * output.shape[1]), "activateMultiply: gates and ups")
    }

    /// See `Backend.gather`.
    public static func gather(_ input: Tensor, rows: Tensor, into output: Tensor) {
        precondition(input.shape.rank == 2, "gather: input of shape \(input.shape)")
        floats(input, input.shape, "gather: input")
        indices(rows, count: output.shape[0], below: input.shape[0], "gather: row")
        floats(output, Shape(output.shape[0], input.shape[1]), "gather: output")
    }

    static func floats(_ tensor: Tensor, _ shape: Shape, _ name: StaticString) {
        precondition(
            tensor.dtype == .float32 && tensor.shape == shape,
            "\(name): found \(tensor.dtype) \(tensor.shape), expected float32 \(shape)")
        precondition(
            tensor.strides[shape.rank - 1] == 1 || shape.count == 0,
            "\(name): strides \(tensor.strides), the last must be 1")
    }

    private static func indices(
        _ tensor: Tensor, count: Int, below bound: Int, _ name: StaticString
    ) {
        precondition(
            tensor.dtype == .int32 && tensor.shape == Shape(count) && tensor.isDense,
            "\(name)s: found \(tensor.dtype) \(tensor.shape), expected int32 [\(count)]")
        let values = tensor.address.assumingMemoryBound(to: Int32.self)
        for index in 0..<count {
            precondition(
                values[index] >= 0 && Int(values[index]) < bound,
                "\(name) \(values[index]) of \(bound)")
        }
    }
}

/// Which query rows belong to one sequence, and where its keys and values are.
struct AttentionSpan {
    let firstRow: Int
    let rows: Int
    let position: Int
    let firstBlock: Int
}

extension AttentionBatch {
    /// One row of `spans`.
    func span(_ index: Int) -> AttentionSpan {
        AttentionSpan(
            firstRow: spans.integer(index, 0), rows: spans.integer(index, 1),
            position: spans.integer(index, 2), firstBlock: spans.integer(index, 3))
    }
}
