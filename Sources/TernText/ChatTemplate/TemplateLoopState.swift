// What the name `loop` stands for inside a loop: where it is, and what comes before and after. A
// loop's `if` is put to an item only when the loop gets there, for the body may change what it
// says; the interpreter does that, which alone can evaluate.

/// The state of one running loop.
final class TemplateLoopState {
    let loop: TemplateLoop
    let scope: TemplateScope
    /// How many recursive loops surround this one.
    let depth: Int
    /// Items that take part, as far as is known.
    private var accepted: [TemplateValue]
    /// Items the loop's `if` has not judged yet, last one first.
    private var unjudged: [TemplateValue]

    private(set) var index0 = -1
    /// The arguments of the last `loop.changed(…)`.
    var changed: TemplateList?

    init(_ loop: TemplateLoop, items: [TemplateValue], depth: Int, in scope: TemplateScope) {
        self.loop = loop
        self.depth = depth
        self.scope = scope
        accepted = loop.filter == nil ? items : []
        unjudged = loop.filter == nil ? [] : items.reversed()
    }

    var current: TemplateValue? { item(at: index0) }
    var previous: TemplateValue? { item(at: index0 - 1) }
    /// The item after the current one, if it is known already.
    var next: TemplateValue? { item(at: index0 + 1) }
    /// How many items are known to take part.
    var count: Int { accepted.count }
    var isFirst: Bool { index0 == 0 }

    private func item(at index: Int) -> TemplateValue? {
        accepted.indices.contains(index) ? accepted[index] : nil
    }

    /// Hands out the next item to judge.
    func nextUnjudged() -> TemplateValue? { unjudged.popLast() }

    func accept(_ item: TemplateValue) { accepted.append(item) }

    func advance() { index0 += 1 }
}
