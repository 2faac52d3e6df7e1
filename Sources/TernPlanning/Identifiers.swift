// The names of tokens, cache blocks, ranks and sequences. Plain numbers under distinct types, so that one
// is never passed for another; they hold no state and say nothing about what they name.

/// A number that names something; each kind of thing has a type of its own.
public protocol Identifier: RawRepresentable, Hashable, Sendable, Comparable,
    ExpressibleByIntegerLiteral, CustomStringConvertible
where RawValue: FixedWidthInteger & Sendable, IntegerLiteralType == RawValue {
    /// Names by a raw number.
    init(rawValue: RawValue)
}

extension Identifier {
    /// Names by any integer; one that does not fit stops the program.
    public init(_ value: some BinaryInteger) { self.init(rawValue: RawValue(value)) }

    /// Names by a literal.
    public init(integerLiteral value: RawValue) { self.init(rawValue: value) }

    /// Orders by number.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The number in decimal.
    public var description: String { "\(rawValue)" }
}

/// An entry of the vocabulary.
public struct TokenID: Identifier {
    /// The number itself.
    public let rawValue: Int32

    /// Names by a raw number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// A block of the paged KV cache, from 0 to the pool's block count.
public struct BlockID: Identifier {
    /// The number itself.
    public let rawValue: Int32

    /// Names by a raw number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// A rank: one device's share of the work, counted over all of a topology from 0.
public struct RankID: Identifier {
    /// The number itself.
    public let rawValue: Int32

    /// Names by a raw number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// One choice of one request, for the life of the server.
public struct SequenceID: Identifier {
    /// The number itself.
    public let rawValue: UInt64

    /// Names by a raw number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
