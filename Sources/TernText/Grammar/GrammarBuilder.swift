// Builds the network of a grammar, from its end to its beginning: each step is given the node that
// follows it. It counts the nodes and knows neither schemas nor JSON.

/// A grammar in the making.
struct GrammarBuilder {
    /// The node at which everything that can be called ends.
    static let pop: Int32 = 0

    private(set) var nodes: [GrammarNode] = [.pop]
    private(set) var marks: [String] = []
    let limits: GrammarLimits

    init(limits: GrammarLimits) { self.limits = limits }

    mutating func add(_ node: GrammarNode) throws(GrammarError) -> Int32 {
        guard nodes.count < limits.nodes else {
            throw GrammarError(
                "#",
                "the grammar needs more than \(limits.nodes) nodes, which is the most; make the "
                    + "schema smaller")
        }
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    /// A node that is to be settled later. Until then nothing can follow it.
    mutating func reserve() throws(GrammarError) -> Int32 {
        try add(.jump(Int32(nodes.count)))
    }

    /// Says what a reserved node stands for.
    mutating func settle(_ node: Int32, _ target: Int32) { nodes[Int(node)] = .jump(target) }

    mutating func bytes(_ set: ByteSet, then next: Int32) throws(GrammarError) -> Int32 {
        try add(.bytes(set, next: next))
    }

    mutating func literal(_ text: some BidirectionalCollection<UInt8>, then next: Int32)
        throws(GrammarError) -> Int32
    {
        var start = next
        for byte in text.reversed() { start = try bytes(ByteSet([byte]), then: start) }
        return start
    }

    mutating func literal(_ text: StaticString, then next: Int32) throws(GrammarError) -> Int32 {
        try literal(text.withUTF8Buffer { Array($0) }, then: next)
    }

    mutating func mark(_ content: String, then next: Int32) throws(GrammarError) -> Int32 {
        let index = marks.firstIndex(of: content) ?? marks.count
        if index == marks.count { marks.append(content) }
        return try add(.mark(Int32(index), next: next))
    }

    /// One of some nodes, of which there is at least one.
    mutating func choice(_ starts: [Int32]) throws(GrammarError) -> Int32 {
        guard var start = starts.last else { preconditionFailure("a choice of no nodes") }
        for other in starts.dropLast().reversed() { start = try add(.split(other, start)) }
        return start
    }

    /// A body that ends with `pop`, so many times; without end where `most` is nil.
    mutating func repeated(
        _ body: Int32, _ least: Int, _ most: Int?, then next: Int32
    ) throws(GrammarError) -> Int32 {
        try add(
            .loop(
                body: body, least: Int32(clamping: least),
                most: most.map { Int32(clamping: $0) } ?? Int32.max, next: next))
    }

    /// At most one blank: whitespace without end would be a way never to come to the point.
    mutating func optionalBlank(then next: Int32) throws(GrammarError) -> Int32 {
        try choice([next, try literal(" ", then: next)])
    }

    /// So many bytes of one set.
    mutating func run(
        _ set: ByteSet, _ count: Int, then next: Int32
    ) throws(GrammarError) -> Int32 {
        var start = next
        for _ in 0..<count { start = try bytes(set, then: start) }
        return start
    }

    /// One of some texts. What texts have in common at their beginning is there once.
    mutating func literals(
        _ texts: [[UInt8]], then next: Int32
    ) throws(GrammarError) -> Int32 {
        let sorted = texts.sorted { $0.lexicographicallyPrecedes($1) }
        return try literals(sorted.map { $0[...] }[...], then: next)
    }

    /// The same of sorted texts, all of which begin here.
    private mutating func literals(
        _ texts: ArraySlice<ArraySlice<UInt8>>, then next: Int32
    ) throws(GrammarError) -> Int32 {
        guard let first = texts.first, let last = texts.last else {
            preconditionFailure("a choice of no texts")
        }
        let common = zip(first, last).prefix { $0 == $1 }.count
        var starts: [Int32] = []
        var rest = texts.map { $0.dropFirst(common) }[...]
        while let text = rest.first {
            guard let byte = text.first else {
                if starts.isEmpty { starts.append(next) }
                rest = rest.dropFirst()
                continue
            }
            let group = rest.prefix { $0.first == byte }
            starts.append(
                group.count == 1
                    ? try literal(text, then: next) : try literals(group, then: next))
            rest = rest.dropFirst(group.count)
        }
        return try literal(first.prefix(common), then: try choice(starts))
    }
}
