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

    /// Joins pieces of marked text and cuts where the author changes.
    init(_ pieces: [TemplateString]) {
        var segments: [PromptSegment] = []
        var bytes: [UInt8] = []
        var isLiteral = false
        func finish() {
            guard !bytes.isEmpty else { return }
            let text = String(decoding: bytes, as: UTF8.self)
            segments.append(isLiteral ? .literal(text) : .template(text))
            bytes.removeAll(keepingCapacity: true)
        }
        for piece in pieces {
            var start = 0
            while start < piece.count {
                let author = piece.scalars[start].isLiteral
                let rest = piece.scalars[start...]
                let end = rest.firstIndex { $0.isLiteral != author } ?? piece.count
                if author != isLiteral { finish() }
                isLiteral = author
                piece.appendUTF8(start..<end, to: &bytes)
                start = end
            }
        }
        finish()
        self.segments = segments
    }
}
