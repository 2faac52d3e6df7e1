// Counts what one rendering spends, and stops it at its limits. A template may come from anywhere:
// whatever it does must end, and must not take the server's memory. Everything that can repeat or
// grow pays here before it is done.

/// What one rendering may spend.
public struct TemplateLimits: Sendable, Equatable {
    /// Expressions and statements evaluated; scanning 64 scalars counts as one.
    public var steps: Int
    /// Scalars of text made on the way, kept or not; an element of a list counts as 8.
    public var scalars: Int
    /// Scalars of the prompt.
    public var outputScalars: Int
    /// Expressions, statements and macro calls inside each other.
    public var depth: Int

    /// Makes limits. The defaults leave a factor of 100 to real templates and long conversations.
    public init(
        steps: Int = 5_000_000, scalars: Int = 1 << 26, outputScalars: Int = 1 << 24,
        depth: Int = 300
    ) {
        self.steps = steps
        self.scalars = scalars
        self.outputScalars = outputScalars
        self.depth = depth
    }
}

/// What is left of the limits.
struct TemplateMeter {
    private var steps: Int
    private var scalars: Int
    private let limits: TemplateLimits

    /// Lists and dictionaries nested deeper are refused: as deep as JSON may be, and a little more.
    static let maximumValueDepth = 300

    init(_ limits: TemplateLimits) {
        self.limits = limits
        steps = limits.steps
        scalars = limits.scalars
    }

    /// Pays for a step; nil is fine, otherwise the reason to stop.
    mutating func step(_ count: Int = 1) -> String? {
        steps -= count
        return steps >= 0 ? nil : "takes more than \(limits.steps) steps to render"
    }

    /// Pays for looking at scalars or elements.
    mutating func scan(_ count: Int) -> String? { step(1 + count / 64) }

    /// Pays for making scalars.
    mutating func make(_ count: Int) -> String? {
        scalars = count > scalars ? -1 : scalars - count
        return scalars >= 0
            ? scan(count) : "makes more than \(limits.scalars) characters on the way"
    }
}
