// Where the values of a step lie between its ops: in one memory, where two that are never needed at
// the same time share bytes. It knows sizes and times alone; what they are of is StepBuffers' business.

/// Parts of a step in which a value is needed, from the op that writes it through the last that reads
/// it.
struct Lifetime: OptionSet, Sendable, Hashable {
    let rawValue: UInt16

    /// Queries, keys and values are made of normed rows.
    static let project = Lifetime(rawValue: 1 << 0)
    /// Ranks trade tokens for heads.
    static let trade = Lifetime(rawValue: 1 << 1)
    /// Queries become what they attended.
    static let attend = Lifetime(rawValue: 1 << 2)
    /// Ranks trade heads for tokens.
    static let restore = Lifetime(rawValue: 1 << 3)
    /// What was attended comes back to the hidden size.
    static let output = Lifetime(rawValue: 1 << 4)
    /// It is added, and the sum normed.
    static let join = Lifetime(rawValue: 1 << 5)
    /// The MLP, or experts.
    static let feed = Lifetime(rawValue: 1 << 6)
    /// What they gave is added, and the sum normed for the next layer.
    static let close = Lifetime(rawValue: 1 << 7)
    /// Behind the last layer: logits, until they were drawn from.
    static let head = Lifetime(rawValue: 1 << 8)
    /// The whole step.
    static let always = Lifetime(rawValue: .max)
}

/// Places for values in one memory.
///
/// The largest is placed first, each at the lowest byte where it meets none that is needed with it.
/// What steps rarely fill is placed last, so that it does not lie between pages that they do fill.
struct ActivationLayout<Name: Hashable & Sendable>: Sendable {
    /// A value to be placed.
    struct Need: Sendable {
        let name: Name
        let bytes: Int
        let lifetime: Lifetime
        /// Whether a large step fills it.
        var isFilled = true
    }

    /// Every place begins at a multiple of so many bytes: a line of the processor's caches.
    static var alignment: Int { 64 }

    /// Bytes of the memory.
    let bytes: Int
    private let offsets: [Name: Int]

    /// Places all needs; each name once.
    init(_ needs: [Need]) {
        var placed: [(need: Need, range: Range<Int>)] = []
        var offsets: [Name: Int] = [:]
        // Of equals the first given comes first: the layout is a function of the needs.
        let order = needs.indices.sorted { one, other in
            guard needs[one].isFilled == needs[other].isFilled else { return needs[one].isFilled }
            return (needs[other].bytes, one) < (needs[one].bytes, other)
        }
        for need in order.map({ needs[$0] }) {
            precondition(
                offsets[need.name] == nil, "activations: \(need.name) is named twice, expected once"
            )
            let size = (need.bytes + Self.alignment - 1) / Self.alignment * Self.alignment
            let met = placed.filter { !$0.need.lifetime.isDisjoint(with: need.lifetime) }
            let offset = Self.lowestGap(of: size, between: met.map(\.range))
            offsets[need.name] = offset
            if size > 0 { placed.append((need, offset..<offset + size)) }
        }
        self.offsets = offsets
        bytes = placed.reduce(0) { max($0, $1.range.upperBound) }
    }

    /// Where a value begins, in bytes.
    subscript(name: Name) -> Int {
        guard let offset = offsets[name] else {
            preconditionFailure("activations: found no place of \(name), expected a need for it")
        }
        return offset
    }

    private static func lowestGap(of size: Int, between ranges: [Range<Int>]) -> Int {
        var offset = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if offset + size <= range.lowerBound { break }
            offset = max(offset, range.upperBound)
        }
        return offset
    }
}
