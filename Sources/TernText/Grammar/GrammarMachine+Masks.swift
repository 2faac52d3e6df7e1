// From states to tokens: which ones keep a text within the grammar.

extension GrammarMachine {
    /// A bit for each token that may come next, without those that end the text.
    ///
    /// Cost: a look-up where the state is known; else a walk over the vocabulary's tree, which does
    /// not enter what the grammar forbids.
    public func mask(_ state: GrammarState, _ vocabulary: GrammarVocabulary) -> [UInt64] {
        if let mask = masks[state] { return mask }
        var walk = MaskWalk(from: state, over: vocabulary)
        while let (state, byte) = walk.goOn(by: steps, classes, vocabulary) {
            _ = advance(state, byte)
        }
        var mask = walk.mask
        for (index, content) in grammar.marks.enumerated()
        where advance(state, symbol: 256 + index) != .dead {
            if let id = vocabulary.special(content) { MaskWalk.set(id, in: &mask) }
        }
        masks[state] = mask
        return mask
    }

    /// The state after a token; dead where it does not belong there, as one that ends the text.
    public func advance(
        _ state: GrammarState, token: Int32, _ vocabulary: GrammarVocabulary
    ) -> GrammarState {
        guard vocabulary.bytes.indices.contains(Int(token)) else { return .dead }
        let bytes = vocabulary.bytes[Int(token)]
        if !bytes.isEmpty { return advance(state, bytes) }
        let mark = grammar.marks.firstIndex { vocabulary.special($0) == token }
        return mark.map { advance(state, symbol: 256 + $0) } ?? .dead
    }
}

/// A walk over a vocabulary's tree, from parents to children. It only reads the steps that a machine
/// knows, and stops where it does not know one yet.
private struct MaskWalk {
    var mask: [UInt64]
    /// The state after each byte on the way to the node.
    private var path: [Int32]
    private var node = 0

    init(from state: GrammarState, over vocabulary: GrammarVocabulary) {
        mask = Array(repeating: 0, count: (vocabulary.size + 63) / 64)
        path = Array(repeating: state.index, count: Int(vocabulary.depths.max() ?? 0) + 1)
    }

    /// Walks on; gives the step that is to be made known first, nil at the end.
    mutating func goOn(
        by steps: [Int32], _ classes: SymbolClasses, _ vocabulary: GrammarVocabulary
    ) -> (GrammarState, UInt8)? {
        while node < vocabulary.labels.count {
            let depth = Int(vocabulary.depths[node])
            let (state, byte) = (path[depth - 1], vocabulary.labels[node])
            let next = steps[Int(state) * classes.count + Int(classes.numbers[Int(byte)])]
            if next == GrammarMachine.unknown { return (GrammarState(index: state), byte) }
            if next == GrammarState.dead.index {
                node = Int(vocabulary.ends[node])
                continue
            }
            path[depth] = next
            for place in vocabulary.firsts[node]..<vocabulary.firsts[node + 1] {
                Self.set(vocabulary.order[Int(place)], in: &mask)
            }
            node += 1
        }
        return nil
    }

    static func set(_ token: Int32, in mask: inout [UInt64]) {
        mask[Int(token) / 64] |= 1 << UInt64(token % 64)
    }
}
