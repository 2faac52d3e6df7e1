// Follows a grammar through a text, a byte at a time. All ways of reading the text so far are kept
// side by side, each with its stack; such a set of readings is a state, and states and the steps
// between them are remembered, so that most bytes cost one look-up. Everything remembered can be
// forgotten and found again: which bytes may come depends on the grammar and the text alone.
//
// Source: lazy determinization is as in RE2 (Cox, Regular Expression Matching in the Wild, 2010);
// stacks that share their beginnings are as in Tomita's GLR parser (1985).

/// A state of a machine; it means nothing to another, nor after `generation` has changed.
public struct GrammarState: Sendable, Hashable {
    let index: Int32

    /// No text of the grammar begins so.
    public static let dead = GrammarState(index: 0)
}

/// A grammar at work.
///
/// Thread: one at a time.
public final class GrammarMachine {
    /// One way of reading: the node that comes next, and where to go on after a `pop`.
    private struct Reading: Hashable {
        let node: Int32
        let stack: Int32
    }

    /// Where to go on, with how often a loop's body was begun. The root is frame 0.
    private struct Frame: Hashable {
        let node: Int32
        let count: Int32
        let parent: Int32
    }

    /// A reading on its way to the next byte.
    private struct Step: Hashable {
        let node: Int32
        let count: Int32
        let stack: Int32
    }

    /// Stands in `steps` for a step that was not made yet.
    static let unknown: Int32 = -1

    let grammar: Grammar
    let classes: SymbolClasses
    /// Changes when all states are forgotten.
    public private(set) var generation = 0

    private var frames: [Frame] = []
    private var frameDepths: [Int32] = []
    private var frameNumbers: [Frame: Int32] = [:]
    private var states: [[Reading]] = []
    private var ends: [Bool] = []
    private var stateNumbers: [[Reading]: Int32] = [:]
    /// For each state and class of symbols, the state that it leads to.
    private(set) var steps: [Int32] = []
    private var startState = GrammarState.dead
    /// The masks of states, for one vocabulary.
    var masks: [GrammarState: [UInt64]] = [:]

    /// Starts a machine.
    public init(_ grammar: Grammar) {
        self.grammar = grammar
        classes = SymbolClasses(grammar)
        forget()
    }

    /// The state before the first byte.
    public var start: GrammarState { startState }

    /// Whether the text may end here.
    public func mayEnd(_ state: GrammarState) -> Bool { ends[Int(state.index)] }

    /// The state after one more byte.
    public func advance(_ state: GrammarState, _ byte: UInt8) -> GrammarState {
        advance(state, symbol: Int(byte))
    }

    /// The state after more bytes.
    public func advance(_ state: GrammarState, _ bytes: [UInt8]) -> GrammarState {
        bytes.reduce(state) { advance($0, $1) }
    }

    /// Forgets what was remembered where there is too much of it; all states are void then.
    public func trim() {
        let limits = grammar.limits
        if states.count > limits.states || masks.count > limits.masks { forget() }
    }

    private func forget() {
        generation += 1
        frames = [Frame(node: GrammarBuilder.pop, count: 0, parent: 0)]
        frameDepths = [0]
        frameNumbers = [:]
        (states, ends, steps) = ([], [], [])
        (stateNumbers, masks) = ([:], [:])
        _ = number(of: [], mayEnd: false)
        var closure = Closure(states: [], mayEnd: false)
        reach(grammar.start, stack: 0, &closure)
        startState = number(of: closure.states, mayEnd: closure.mayEnd)
    }

    /// The state after a symbol: a byte, or 256 and more for a control token.
    @inline(__always)
    func advance(_ state: GrammarState, symbol: Int) -> GrammarState {
        let kind = Int(classes.numbers[symbol])
        let known = steps[Int(state.index) * classes.count + kind]
        if known != Self.unknown { return GrammarState(index: known) }
        let next = compute(state, symbol)
        steps[Int(state.index) * classes.count + kind] = next.index
        return next
    }

    private func compute(_ state: GrammarState, _ symbol: Int) -> GrammarState {
        var closure = Closure(states: [], mayEnd: false)
        for reading in states[Int(state.index)] {
            switch grammar.nodes[Int(reading.node)] {
            case .bytes(let set, let next):
                if symbol < 256 && set.contains(UInt8(symbol)) {
                    reach(next, stack: reading.stack, &closure)
                }
            case .mark(let mark, let next):
                if symbol == 256 + Int(mark) { reach(next, stack: reading.stack, &closure) }
            case .split, .call, .loop, .jump, .pop:
                preconditionFailure("a reading at node \(reading.node), which takes no symbol")
            }
        }
        return number(of: closure.states, mayEnd: closure.mayEnd)
    }

    /// What a step leads to.
    private struct Closure {
        var states: [Reading]
        var mayEnd: Bool
        var seen: Set<Step> = []
        var known: Set<Reading> = []
    }

    /// Adds the readings that a node leads to before the next symbol, in the order of the grammar.
    /// Those that could not come to an end within the limit of the stack are left out; so are those
    /// beyond the limit of readings. Each that is left can still end by itself.
    private func reach(_ node: Int32, stack: Int32, _ closure: inout Closure) {
        var waiting = [Step(node: node, count: 0, stack: stack)]
        while let step = waiting.popLast() {
            guard closure.states.count < grammar.limits.readings else { return }
            let depth = Int(frameDepths[Int(step.stack)])
            guard depth + Int(grammar.depths[Int(step.node)]) <= grammar.limits.depth,
                closure.seen.insert(step).inserted
            else { continue }
            switch grammar.nodes[Int(step.node)] {
            case .bytes, .mark:
                let reading = Reading(node: step.node, stack: step.stack)
                if closure.known.insert(reading).inserted { closure.states.append(reading) }
            case .split(let one, let other):
                waiting.append(Step(node: other, count: 0, stack: step.stack))
                waiting.append(Step(node: one, count: 0, stack: step.stack))
            case .jump(let target):
                waiting.append(Step(node: target, count: 0, stack: step.stack))
            case .call(let callee, let next):
                let frame = push(next, count: 0, on: step.stack)
                waiting.append(Step(node: callee, count: 0, stack: frame))
            case .loop(let body, let least, let most, let next):
                repeats(step, body, least, most, next, &waiting)
            case .pop where step.stack == 0: closure.mayEnd = true
            case .pop:
                let frame = frames[Int(step.stack)]
                waiting.append(Step(node: frame.node, count: frame.count, stack: frame.parent))
            }
        }
    }

    /// One more time, or on. Where there is no most, what counts is only whether there were enough.
    private func repeats(
        _ step: Step, _ body: Int32, _ least: Int32, _ most: Int32, _ next: Int32,
        _ waiting: inout [Step]
    ) {
        if step.count >= least {
            waiting.append(Step(node: next, count: 0, stack: step.stack))
        }
        if step.count < most {
            let count = most == Int32.max ? min(step.count + 1, least) : step.count + 1
            let frame = push(step.node, count: count, on: step.stack)
            waiting.append(Step(node: body, count: 0, stack: frame))
        }
    }

    private func push(_ node: Int32, count: Int32, on parent: Int32) -> Int32 {
        // What returns only to return again needs no frame of its own.
        if grammar.nodes[Int(node)] == .pop { return parent }
        let frame = Frame(node: node, count: count, parent: parent)
        if let number = frameNumbers[frame] { return number }
        let number = Int32(frames.count)
        frames.append(frame)
        frameDepths.append(frameDepths[Int(parent)] + 1)
        frameNumbers[frame] = number
        return number
    }

    private func number(of readings: [Reading], mayEnd: Bool) -> GrammarState {
        // An end is told apart by a reading that stands nowhere.
        let key = mayEnd ? readings + [Reading(node: 0, stack: 0)] : readings
        if let number = stateNumbers[key] { return GrammarState(index: number) }
        let number = Int32(states.count)
        states.append(readings)
        ends.append(mayEnd)
        stateNumbers[key] = number
        // Nothing leads out of the dead state, which is the first.
        steps += Array(repeating: number == 0 ? 0 : Self.unknown, count: classes.count)
        return GrammarState(index: number)
    }
}

/// Symbols that no node of a grammar tells apart share a number, and a column of the table of steps.
struct SymbolClasses: Sendable {
    /// The class of each byte, then of each control token.
    let numbers: [UInt16]
    let count: Int

    init(_ grammar: Grammar) {
        var numbers = [Int](repeating: 0, count: 256)
        var count = 1
        var seen: Set<ByteSet> = []
        for case .bytes(let set, _) in grammar.nodes where seen.insert(set).inserted {
            var renamed: [Int: Int] = [:]
            let refined = (0..<256).map { byte in
                let key = numbers[byte] * 2 + (set.contains(UInt8(byte)) ? 1 : 0)
                if let name = renamed[key] { return name }
                renamed[key] = renamed.count
                return renamed.count - 1
            }
            (numbers, count) = (refined, renamed.count)
            if count == 256 { break }
        }
        self.numbers = (numbers + grammar.marks.indices.map { count + $0 }).map { UInt16($0) }
        self.count = count + grammar.marks.count
    }
}
