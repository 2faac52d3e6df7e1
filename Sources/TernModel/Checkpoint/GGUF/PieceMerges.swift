// The merges that the scores of a SentencePiece vocabulary stand for: a byte-pair encoder then finds
// the same pieces, best score first.

import TernJSON

/// All ways to make a piece of two others, in the order in which they are tried.
///
/// Source: generate_merges in convert_slow_tokenizer.py of transformers.
struct PieceMerges {
    private let merges: [(left: String, right: String)]

    /// Longer pieces are not taken apart: no vocabulary has them, and their ways are many.
    private static let mostBytes = 1 << 10

    init(_ tokens: GGUFTokens, scores: [Double]) {
        // Control tokens and their like are pieces of no text.
        let pieces = tokens.texts.indices.filter { tokens.kinds[$0] == .normal }
        var ids: [[UInt8]: Int] = [:]
        for id in pieces { ids[Array(tokens.texts[id].utf8)] = id }
        var ways: [(left: Int, right: Int, score: Double)] = []
        for id in pieces where tokens.texts[id].utf8.count <= Self.mostBytes {
            let bytes = Array(tokens.texts[id].utf8)
            var own: [(left: Int, right: Int, score: Double)] = []
            for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
                guard let left = ids[Array(bytes[..<cut])], let right = ids[Array(bytes[cut...])]
                else { continue }
                own.append((left, right, scores[id]))
            }
            ways += own.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
        }
        // Of equal scores the longer parts go first, then the earlier piece.
        let lengths = tokens.texts.map { -$0.unicodeScalars.count }
        let order = ways.indices.sorted { one, two in
            let (a, b) = (ways[one], ways[two])
            return (-a.score, lengths[a.left], lengths[a.right], one)
                < (-b.score, lengths[b.left], lengths[b.right], two)
        }
        merges = order.map { (tokens.texts[ways[$0].left], tokens.texts[ways[$0].right]) }
    }

    /// `merges` of tokenizer.json.
    var json: [JSON] { merges.map { [.string($0.left), .string($0.right)] } }
}
