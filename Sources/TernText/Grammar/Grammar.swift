// A compiled grammar: a network of nodes over bytes, in which values call values and a stack holds
// where to go on. It is what a schema says, made small and checked; GrammarMachine runs it.
//
// Source: recursive transition networks (Woods, Transition network grammars for natural language
// analysis, CACM 1970). That pushdown automata over bytes give token masks was checked against
// XGrammar (Dong et al., arXiv 2411.15100).

import TernJSON

/// A place in a grammar. Numbers are those of nodes.
enum GrammarNode: Sendable, Equatable {
    /// One byte of a set.
    case bytes(ByteSet, next: Int32)
    /// One control token, by its place in the grammar's list.
    case mark(Int32, next: Int32)
    /// Either of two.
    case split(Int32, Int32)
    /// What another node begins, up to its `pop`.
    case call(Int32, next: Int32)
    /// The same thing so many times.
    case loop(body: Int32, least: Int32, most: Int32, next: Int32)
    case jump(Int32)
    /// The end of what was called, or of the text.
    case pop
}

/// A grammar over the bytes of a text.
///
/// Thread: a value that never changes.
public struct Grammar: Sendable {
    let nodes: [GrammarNode]
    let start: Int32
    /// For each node, the deepest stack that some way from it to the end needs.
    let depths: [Int32]
    /// Control tokens that the text may hold, by their contents.
    let marks: [String]
    let limits: GrammarLimits

    /// Compiles the text of a form.
    ///
    /// Throws: `GrammarError` with the place that is not supported, or the limit that is passed.
    /// Cost: linear in the text, within the limits.
    public init(
        text: [UInt8], limits: GrammarLimits = GrammarLimits()
    ) throws(GrammarError) {
        guard text.count <= limits.textBytes else {
            throw GrammarError(
                "#", "found \(text.count) bytes; a grammar has at most \(limits.textBytes)")
        }
        let json: JSON
        do {
            json = try JSON(parsing: text)
        } catch {
            throw GrammarError("#", "\(error)")
        }
        try self.init(try GrammarForm(json: json), limits: limits)
    }

    /// Compiles a form.
    ///
    /// Throws: `GrammarError` as above.
    public init(
        _ form: GrammarForm, limits: GrammarLimits = GrammarLimits()
    ) throws(GrammarError) {
        var builder = GrammarBuilder(limits: limits)
        start = try builder.form(form, then: GrammarBuilder.pop)
        nodes = builder.nodes
        marks = builder.marks
        self.limits = limits
        depths = Self.depths(of: nodes)
        guard depths[Int(start)] <= limits.depth else {
            throw GrammarError(
                "#",
                depths[Int(start)] == Self.endless
                    ? "no finite value can satisfy the schema"
                    : "every value nests deeper than \(limits.depth / 2), which is the most")
        }
    }

    /// Throws: where a vocabulary lacks a control token that the grammar names.
    public func check(_ vocabulary: GrammarVocabulary) throws(GrammarError) {
        for mark in marks where vocabulary.special(mark) == nil {
            throw GrammarError("vocabulary", "the model has no control token \(mark)")
        }
    }

    private static let endless = Int32.max

    /// The least fixed point, by passes over the nodes. A node's successors mostly stand before it.
    private static func depths(of nodes: [GrammarNode]) -> [Int32] {
        var depths = [Int32](repeating: endless, count: nodes.count)
        func called(_ node: Int32) -> Int32 {
            depths[Int(node)] == endless ? endless : depths[Int(node)] + 1
        }
        var changed = true
        while changed {
            changed = false
            for (index, node) in nodes.enumerated() {
                let depth =
                    switch node {
                    case .bytes(let set, let next): set.isEmpty ? endless : depths[Int(next)]
                    case .mark(_, let next), .jump(let next): depths[Int(next)]
                    case .split(let one, let other): min(depths[Int(one)], depths[Int(other)])
                    case .call(let callee, let next): max(called(callee), depths[Int(next)])
                    case .loop(let body, let least, _, let next):
                        least == 0 ? depths[Int(next)] : max(called(body), depths[Int(next)])
                    case .pop: Int32(0)
                    }
                if depth < depths[index] {
                    depths[index] = depth
                    changed = true
                }
            }
        }
        return depths
    }
}
