// What a chat template turns a conversation into: station 2 of the walk, on its way to the
// tokenizer. It keeps the authors of the text apart; it encodes nothing.

/// A prompt as a chat template rendered it.
public struct RenderedPrompt: Sendable, Equatable {
    /// The text in order; neighbours have different authors and none is empty.
    public let segments: [PromptSegment]

    /// Makes a prompt of segments.
    public init(segments: [PromptSegment]) { self.segments = segments }

    /// The whole text, authors forgotten.
    public var text: String {
        segments.reduce(into: "") { text, segment in
            switch segment {
            case .template(let part), .literal(let part): text += part
            }
        }
    }

    /// Cuts a marked text where the author changes.
    init(_ text: TemplateString) {
        var segments: [PromptSegment] = []
        var start = 0
        let scalars = text.scalars
        for end in 1...max(1, scalars.count)
        where end >= scalars.count || scalars[end].isLiteral != scalars[start].isLiteral {
            if start >= scalars.count { break }
            let part = TemplateString(scalars[start..<end]).text
            segments.append(scalars[start].isLiteral ? .literal(part) : .template(part))
            start = end
        }
        self.segments = segments
    }
}
