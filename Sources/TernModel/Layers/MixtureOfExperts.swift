// The sparse MLP of one decoder layer: a router sends each token to a few experts, and their
// results are summed. The experts lie in two weights, an expert being a range of blocks. Ranks
// divide the experts, their inner widths, or both, as the view's groups say; how tokens reach
// experts elsewhere is ExpertExchange's.

import TernParallel
import TernPlanning
import TernTensor

/// `sum over a token's experts of share * down(activation(gate(x), up(x)))`.
///
/// The order of sums is the same wherever experts are: each expert's product is summed by the tree
/// over the parts of its inner width, and its bias is added; then experts in ascending order within a
/// part of `Partition(count: experts, unit: 1)`; then those parts by the tree.
/// Source: the sparse blocks of Qwen3Moe, Mixtral, GptOss, DeepseekV2 and V3 of transformers.
struct MixtureOfExperts: Sendable {
    /// Shape: `[experts, hidden]`.
    private let router: ReplicatedLinear
    private let rule: RouterRule
    /// Shape: `[experts * 2 * inner, hidden]`; each expert's gates and ups take turns by 16 rows.
    private let gateUp: PackedWeight
    /// Shape: `[experts * hidden, inner]`; each expert is a block.
    private let down: PackedWeight
    /// In the order of the outputs of either, where experts have biases.
    private let gateUpBias, downBias: Tensor?
    private let activation: GatedActivation
    /// Blocks of `gateUp` for each expert.
    private let blocksPerExpert: Int
    /// Which of them each part of the inner width has.
    private let innerBlocks: ShardRanges

    init(
        layer: String, _ model: ModelConfiguration, _ experts: ExpertConfiguration, parts: Int,
        from loader: WeightLoader
    ) throws {
        let names = ExpertNames(layer: layer, model, experts, from: loader)
        let partition = Partition(panelsOf: experts.innerWidth, parts: parts)
        let inner = partition.panelBlocks
        let turns = inner.flatMap { [$0, $0] }
        let all = 0..<experts.count
        activation = experts.activation
        blocksPerExpert = turns.count
        let shards = ShardRanges(panelBlocksOf: partition)
        innerBlocks = shards.scaled(by: 2)
        router = try loader.replicated(
            names.router, outputs: experts.count, inputs: model.hiddenSize,
            hasBias: experts.hasBias)
        rule = try RouterRule(experts, names, from: loader)
        typealias Rows = (ExpertNames.Matrix, Int, [Int], Int) -> RowSource
        func gatesAndUps(_ rows: Rows) -> [RowSource] {
            all.flatMap { expert in
                let first = expert * turns.count
                return [rows(.gate, expert, inner, first), rows(.up, expert, inner, first + 1)]
            }
        }
        func downs(_ rows: Rows) -> [RowSource] {
            all.map { rows(.down, $0, [model.hiddenSize], $0) }
        }
        let layout = PanelLayout(blocks: all.flatMap { _ in turns })
        let downLayout = PanelLayout(blocks: all.map { _ in model.hiddenSize })
        gateUp = try loader.matrix(
            layout: layout, inputParts: [0, model.hiddenSize], sources: gatesAndUps(names.rows),
            cut: .outputs(shards), role: .layer)
        down = try loader.matrix(
            layout: downLayout, inputParts: partition.boundaries, sources: downs(names.rows),
            cut: .inputs(parts: parts), role: .layer)
        gateUpBias =
            experts.hasBias
            ? try loader.vector(layout: layout, sources: gatesAndUps(names.bias)) : nil
        downBias =
            experts.hasBias
            ? try loader.vector(layout: downLayout, sources: downs(names.bias)) : nil
    }

    /// Shape: `[n, hidden]` to `[n, hidden]`.
    ///
    /// Cost: reads the weights of those experts here that some token goes to. Where experts'
    /// widths are split, one all-reduce of a row per token and expert, for each expert's product
    /// must be whole before it is weighed. Where experts are divided, one all-reduce of
    /// `[n, hidden]`, or two all-to-alls and a gather where ranks have different tokens.
    func callAsFunction(
        _ input: Tensor, into hidden: Tensor, _ step: StepContext
    ) throws(CommunicationError) {
        guard let buffers = step.experts else {
            preconditionFailure("experts: found no buffers, expected those of a sparse model")
        }
        if let exchange = buffers.exchange, step.expertSharing.isDispatched {
            try dispatch(input, into: hidden, exchange, buffers, step)
            return
        }
        let group = step.expertSharing.group
        let (chosen, shares) = route(input, buffers, step)
        let sums = group.isSingle ? hidden : step.partial
        try addOwn(input, chosen, shares, into: sums, buffers, step)
        if !group.isSingle { try step.communicator.allReduce(sums, into: hidden, over: group) }
    }

    /// Ranks with different tokens: each sends those it answers for to their experts, runs its own
    /// experts on what it received, and gathers what its peers answered for.
    private func dispatch(
        _ input: Tensor, into hidden: Tensor, _ exchange: ExpertExchange,
        _ buffers: ExpertBuffers, _ step: StepContext
    ) throws(CommunicationError) {
        let sharing = step.expertSharing
        let own = input.rows(sharing.slice)
        let (chosen, shares) = route(own, buffers, step)
        let way = try exchange.send(
            own, chosen: chosen, shares: shares, buffers.dispatch, sharing, step)
        try addOwn(
            exchange.received(way), exchange.chosen.prefix(way.received),
            exchange.shares.prefix(way.received), into: exchange.sums.prefix(way.received),
            buffers, step)
        let isAlone = sharing.peers.isSingle
        let answer = isAlone ? hidden : step.partial.prefix(own.shape[0])
        try exchange.collect(way, into: answer, over: sharing.group, step)
        if !isAlone {
            try step.communicator.allGather(
                answer, into: hidden, rows: sharing.slices, over: sharing.peers)
        }
    }

    /// The experts of each token, and their shares. Shape: `[n, hidden]` to `[n, perToken]` twice.
    private func route(
        _ input: Tensor, _ buffers: ExpertBuffers, _ step: StepContext
    ) -> (chosen: Tensor, shares: Tensor) {
        let tokens = input.shape[0]
        let chosen = buffers.chosen.prefix(tokens)
        let shares = buffers.shares.prefix(tokens)
        let logits = buffers.logits.prefix(tokens)
        router(input, into: logits, on: step.backend)
        step.backend.route(logits, rule, into: chosen, weights: shares)
        return (chosen, shares)
    }

    /// The weighed sum of those experts of each token that this rank has; zero where it has none.
    /// Experts elsewhere have no slot: a part without them is the zero it started at.
    private func addOwn(
        _ input: Tensor, _ chosen: Tensor, _ shares: Tensor, into output: Tensor,
        _ buffers: ExpertBuffers, _ step: StepContext
    ) throws(CommunicationError) {
        let (dispatch, group) = (buffers.dispatch, step.expertSharing.widthGroup)
        let own = dispatch.experts(of: step.expertSharing.group)
        dispatch.build(chosen, own: own)
        for expert in own {
            let pairs = dispatch.pairs(of: expert)
            if !pairs.isEmpty { run(expert, pairs, of: input, buffers, step) }
        }
        let rows = buffers.rows.prefix(dispatch.pairs)
        let isWhole = group.isSingle || dispatch.pairs == 0
        let summed = isWhole ? rows : buffers.summedRows.prefix(dispatch.pairs)
        if !isWhole {
            try step.communicator.allReduce(rows, into: summed, over: group)
            for expert in own {
                addBias(of: expert, to: summed.rows(dispatch.pairs(of: expert)), step)
            }
        }
        let tokens = output.shape[0]
        step.backend.combine(
            summed, slots: dispatch.slots.prefix(tokens), weights: shares,
            parts: dispatch.parts.prefix(tokens), into: output)
    }

    /// Adds the bias of an expert's second product, where there is one and a token.
    private func addBias(of expert: Int, to rows: Tensor, _ step: StepContext) {
        guard let downBias, rows.shape[0] > 0 else { return }
        let bias = downBias.rows(down.outputs(blocks: expert..<expert + 1).outputRows)
        step.backend.add(bias.repeated(rows.shape[0]), to: rows)
    }

    /// This rank's share of one expert on its tokens, into the rows of its pairs. The bias of the
    /// second product is added where that is whole.
    private func run(
        _ expert: Int, _ pairs: Range<Int>, of input: Tensor, _ buffers: ExpertBuffers,
        _ step: StepContext
    ) {
        let (backend, group) = (step.backend, step.expertSharing.widthGroup)
        let first = expert * blocksPerExpert
        let inner = innerBlocks[group]
        let gateUp = gateUp.outputs(blocks: first + inner.lowerBound..<first + inner.upperBound)
        let block = down.outputs(blocks: expert..<expert + 1)
        let down = WeightShard(whole: block, cut: .inputs(parts: innerBlocks.ranges.count))(group)
        let gathered = buffers.input.prefix(pairs.count)
        let inside = buffers.gateUp.reused(as: Shape(pairs.count, gateUp.outputs))
        let activated = inside.tile(rows: 0..<pairs.count, columns: 0..<gateUp.outputs / 2)
        backend.gather(input, rows: buffers.dispatch.tokens.rows(pairs), into: gathered)
        backend.linear(
            gathered, gateUp, bias: gateUpBias?.rows(gateUp.outputRows), into: inside)
        backend.activateMultiply(inside, activation, into: activated)
        backend.linear(
            activated, down, bias: group.isSingle ? downBias?.rows(block.outputRows) : nil,
            into: buffers.rows.rows(pairs))
    }
}

extension RouterRule {
    /// The rule of a layer; the correction is the checkpoint's.
    fileprivate init(
        _ experts: ExpertConfiguration, _ names: ExpertNames, from loader: WeightLoader
    ) throws {
        let routing = experts.routing
        self.init(
            scoring: routing.scoring,
            correction: routing.isCorrected
                ? try loader.vector(
                    names.router + ".e_score_correction_bias", count: experts.count) : nil,
            groups: routing.groups, renormalizes: routing.renormalizes, factor: routing.factor)
    }
}
