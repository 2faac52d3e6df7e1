// Between stations 9 and 10: which tokens a sequence's grammar lets pass next. It follows the tokens
// that travelled in the plan; what it remembers of a sequence only spares it to follow them from the
// beginning again, and may be lost at any time.

import TernPlanning
import TernText

/// What may come next.
struct GrammarMask {
    /// A bit for each token that is text, or a control token that the grammar names.
    let tokens: [UInt64]
    /// Whether the text may end here.
    let mayEnd: Bool
}

/// Follows the grammars of sequences.
///
/// Thread: the rank's.
struct GrammarFollower {
    /// How far a sequence was followed.
    private struct Place {
        let source: GrammarSource
        let machine: GrammarMachine
        let generation: Int
        let tokens: [TokenID]
        let state: GrammarState
    }

    private static let machineCapacity = 32
    private static let placeCapacity = 1024

    private let store: GrammarStore
    private var machines: [GrammarSource: GrammarMachine] = [:]
    private var places: [SequenceID: Place] = [:]

    init(_ store: GrammarStore) { self.store = store }

    /// What may come after the tokens of a sequence.
    ///
    /// Cost: the new tokens' bytes, and a walk over the vocabulary's tree where the place is new.
    mutating func mask(
        _ source: GrammarSource, after tokens: [TokenID], of sequence: SequenceID
    ) -> GrammarMask {
        let vocabulary = admitted { () throws(GrammarError) in try store.vocabulary() }
        let known = places[sequence].flatMap { $0.source == source ? $0 : nil }
        let machine = known?.machine ?? machine(source)
        machine.trim()
        var state = machine.start
        var rest = tokens[...]
        if let known, known.generation == machine.generation, tokens.starts(with: known.tokens) {
            state = known.state
            rest = tokens.dropFirst(known.tokens.count)
        }
        for token in rest { state = machine.advance(state, token: token.rawValue, vocabulary) }
        if places.count >= Self.placeCapacity && known == nil { places = [:] }
        places[sequence] = Place(
            source: source, machine: machine, generation: machine.generation, tokens: tokens,
            state: state)
        // A text that has ended, where ends are ignored, goes on with ends only.
        return GrammarMask(
            tokens: machine.mask(state, vocabulary),
            mayEnd: state == .dead || machine.mayEnd(state))
    }

    private mutating func machine(_ source: GrammarSource) -> GrammarMachine {
        if let machine = machines[source] { return machine }
        if machines.count >= Self.machineCapacity { (machines, places) = ([:], [:]) }
        let machine = GrammarMachine(
            admitted { () throws(GrammarError) in try store.grammar(source) })
        machines[source] = machine
        return machine
    }

    /// What the engine found possible when it admitted the request.
    private func admitted<Value>(_ make: () throws(GrammarError) -> Value) -> Value {
        do {
            return try make()
        } catch {
            preconditionFailure("a grammar that was not checked before its request: \(error)")
        }
    }
}
