// The values of one mode's steps: how large they are, in which parts of a step they are needed, and
// the views of one memory that follow. Nothing here survives a step.

import TernPlanning
import TernTensor

/// The values between the ops of a step, as large as the largest step needs them.
struct Activations: Sendable {
    /// Rows that go through the layers together.
    let rows: Int
    /// Shape: `[rows, hidden]`. An MLP's update takes the place of the normed rows it is made of, of
    /// which each is read for the last time before its update is written.
    let hidden, normed, update, partial: Tensor
    /// Elements of `HeadRows`, and of what was attended; the same where no tokens are traded.
    let localHeads, allHeads, localAttended, allAttended: Tensor
    /// Elements of what the sampled among those rows attended.
    let sampledAttended: Tensor
    /// Elements of gates and ups, which become what is activated in place.
    let gateUp: Tensor
    /// Shape: `[logitRows, hidden]`; the same where nothing is to be gathered.
    let localSampledHidden, sampledHidden: Tensor
    /// Shape: `[logitRows, the rank's share of the vocabulary]`, and `[logitRows, vocabulary]` on the
    /// output rank.
    let shareOfLogits, logits: Tensor

    /// Views of a memory that is at least as large as `sizes.bytes`.
    init(_ sizes: ActivationSizes, in memory: Storage) {
        func view(_ name: ActivationSizes.Name) -> Tensor {
            Tensor(
                memory, byteOffset: sizes.places[name], dtype: .float32, shape: sizes.shape(name))
        }
        rows = sizes.rows
        hidden = view(.hidden)
        normed = view(.normed)
        update = sizes.updatesInPlace ? normed : view(.update)
        partial = sizes.sharesWeights ? view(.partial) : update
        localHeads = view(.localHeads)
        localAttended = view(.localAttended)
        allHeads = sizes.tradesTokens ? view(.allHeads) : localHeads
        allAttended = sizes.tradesTokens ? view(.allAttended) : localAttended
        sampledAttended = view(.sampledAttended)
        gateUp = view(.gateUp)
        sampledHidden = view(.sampledHidden)
        localSampledHidden = sizes.tradesTokens ? view(.localSampledHidden) : sampledHidden
        shareOfLogits = view(.shareOfLogits)
        logits = sizes.gathersLogits ? view(.logits) : shareOfLogits
    }
}

/// Sizes and places of the values of one mode's steps.
struct ActivationSizes: Sendable {
    /// A value of `Activations`.
    enum Name: CaseIterable, Sendable {
        case hidden, normed, update, partial, localHeads, allHeads, localAttended, allAttended
        case sampledAttended, gateUp, localSampledHidden, sampledHidden, shareOfLogits, logits
    }

    /// Rows that go through the layers together, at most.
    let rows: Int
    /// Whether the ranks of a step hold different tokens, and whether they hold different weights.
    let tradesTokens, sharesWeights: Bool
    /// Whether updates take the place of normed rows: not with experts, for shared ones read what the
    /// others have read before.
    let updatesInPlace: Bool
    /// Whether other ranks' logits come here.
    let gathersLogits: Bool
    /// Where they lie.
    let places: ActivationLayout<Name>
    private let shapes: [Name: Shape]

    /// Memory of all values.
    var bytes: Int { places.bytes }

    /// The shape of a value; of one that this rank has no use for, without an element.
    func shape(_ name: Name) -> Shape { shapes[name] ?? Shape(0) }

    /// Sizes for a view of a rank.
    ///
    /// A step is taken in turns where its ranks hold the same tokens, for then all of them take the
    /// same turns; not with experts, whose weights each turn would read again for its few rows.
    init(
        _ model: ModelConfiguration, layout: RankLayout, view: ParallelView, limits: StepLimits
    ) {
        let tokens = TokenPartition(tokens: limits.tokens, among: view.sequenceGroup.size)[0].count
        tradesTokens = !view.sequenceGroup.isSingle
        sharesWeights = !view.tensorGroup.isSingle
        gathersLogits = layout.isOutput && !layout.headGroup.isSingle
        updatesInPlace = model.experts == nil
        let takesTurns = !tradesTokens && model.experts == nil
        rows = takesTurns ? min(tokens, limits.rowsAtOnce) : tokens
        let (rows, hidden) = (max(rows, 1), model.hiddenSize)
        let widths = LayerWidths(model, layout: layout, view: view)
        var shapes: [Name: Shape] = [
            .hidden: [rows, hidden], .normed: [rows, hidden],
            .localHeads: [rows * widths.heads], .localAttended: [rows * widths.attended],
            .sampledAttended: [min(rows, limits.logitRows) * widths.attended],
            .gateUp: [min(rows, limits.rowsAtOnce) * 2 * widths.inner],
            .sampledHidden: [limits.logitRows, hidden],
            .shareOfLogits: [limits.logitRows, widths.vocabulary],
        ]
        if !updatesInPlace { shapes[.update] = [rows, hidden] }
        if sharesWeights { shapes[.partial] = [rows, hidden] }
        if tradesTokens {
            shapes[.allHeads] = [limits.tokens * widths.ownHeads]
            shapes[.allAttended] = [limits.tokens * widths.ownAttended]
            shapes[.localSampledHidden] = [limits.logitRows, hidden]
        }
        if gathersLogits { shapes[.logits] = [limits.logitRows, model.vocabularySize] }
        self.shapes = shapes
        let (trades, isInPlace) = (tradesTokens, updatesInPlace)
        places = ActivationLayout(
            Name.allCases.map { name in
                ActivationLayout.Need(
                    name: name, bytes: (shapes[name]?.count ?? 0) * DType.float32.bytes,
                    lifetime: name.lifetime(tradesTokens: trades, updatesInPlace: isInPlace),
                    isFilled: name.isFilled)
            })
    }
}

extension ActivationSizes.Name {
    /// Whether large steps fill it; of rows that ask for logits there are mostly few.
    fileprivate var isFilled: Bool {
        switch self {
        case .hidden, .normed, .update, .partial, .localHeads, .allHeads, .localAttended,
            .allAttended, .gateUp:
            true
        case .sampledAttended, .localSampledHidden, .sampledHidden, .shareOfLogits, .logits: false
        }
    }

    /// When a value is needed. Where no tokens are traded, the rank's own rows are all rows.
    fileprivate func lifetime(tradesTokens: Bool, updatesInPlace: Bool) -> Lifetime {
        switch self {
        case .hidden, .localSampledHidden, .sampledHidden: .always
        case .normed:
            [.project, .join, .feed, .close, updatesInPlace ? .output : []]
        case .update: [.output, .join, .feed, .close]
        case .partial: [.output, .feed]
        case .localHeads: tradesTokens ? [.project, .trade] : [.project, .attend]
        case .allHeads: [.trade, .attend]
        case .allAttended: [.attend, .restore]
        case .localAttended: tradesTokens ? [.restore, .output] : [.attend, .output]
        case .sampledAttended: .output
        case .gateUp: .feed
        case .shareOfLogits, .logits: .head
        }
    }
}

/// Elements of one row of what a layer writes under a view.
private struct LayerWidths {
    /// Of the tensor shard's heads, and of what is attended with them.
    let heads, attended: Int
    /// Of the heads that the rank attends with.
    let ownHeads, ownAttended: Int
    /// Of the shard's inner width, the most of any MLP.
    let inner: Int
    /// Of the rank's share of the vocabulary.
    let vocabulary: Int

    init(_ model: ModelConfiguration, layout: RankLayout, view: ParallelView) {
        let widths = model.headWidths
        let parts = layout.topology.parts
        let queries = layout.heads.queries[view.tensorGroup].count
        let keysValues = layout.heads.keysValues[view.tensorGroup].count
        heads = queries * widths.query + keysValues * widths.keyValue
        attended = queries * widths.attended
        ownHeads =
            layout.ownQueryHeads.count * widths.query
            + layout.ownKeyValueHeads.count * widths.keyValue
        ownAttended = layout.ownQueryHeads.count * widths.attended
        inner =
            [
                model.hasDenseLayers ? model.intermediateSize : 0, model.experts?.sharedWidth ?? 0,
            ].map {
                ShardRanges(Partition(panelsOf: $0, parts: parts))[view.tensorGroup].count
            }.max() ?? 0
        let table = ShardRanges(Partition(panelsOf: model.vocabularySize, parts: parts))
        vocabulary = table[layout.headGroup].count
    }
}
