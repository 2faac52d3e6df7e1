// The tokens of a model as a tree of their bytes, laid out so that one walk tells which of them keep
// a text within a grammar. Control tokens are not in it: only a grammar that names one lets it pass.

/// A vocabulary as grammars see it.
///
/// Thread: a value that never changes.
public struct GrammarVocabulary: Sendable {
    /// Ids are below this.
    public let size: Int
    /// The bytes of each token that is text; empty for others.
    let bytes: [[UInt8]]
    /// The last byte of each node, in the order of a walk that visits parents first.
    let labels: [UInt8]
    let depths: [Int32]
    /// The node after all those below each node.
    let ends: [Int32]
    /// Where each node's own tokens begin in `order`; they end where the next node's begin.
    let firsts: [Int32]
    let order: [Int32]
    private let specialIDs: [[UInt8]: Int32]

    /// Reads the tokens of a tokenizer, up to the size of the model's vocabulary.
    ///
    /// Throws: `GrammarError` where no token stands for some character of ASCII: not every text
    /// could be spelled, and a grammar could come to a place without a way out.
    /// Cost: sorts the vocabulary.
    public init(_ tokenizer: Tokenizer, size: Int) throws(GrammarError) {
        let ids = Int32(0)..<Int32(min(size, tokenizer.vocabularySize))
        try self.init(
            ids.map { tokenizer.isSpecial($0) ? [] : tokenizer.tokenBytes($0) ?? [] }, size: size,
            special: ids.filter { tokenizer.isSpecial($0) }.map {
                (tokenizer.tokenBytes($0) ?? [], $0)
            })
    }

    /// Makes a vocabulary of the bytes of each token, empty for those that are no text, and of
    /// control tokens by their contents.
    public init(
        _ tokens: [[UInt8]], size: Int, special: [([UInt8], Int32)] = []
    ) throws(GrammarError) {
        self.size = size
        let single = Set(tokens.lazy.filter { $0.count == 1 }.map { $0[0] })
        for byte in UInt8(0x20)...0x7E where !single.contains(byte) {
            throw GrammarError(
                "vocabulary",
                "no token is the character of byte \(byte) alone; texts cannot be "
                    + "kept to a grammar with this tokenizer")
        }
        // A character may be cut between tokens only where all of its bytes are tokens.
        let cuts = (UInt8(0x80)...0xBF).allSatisfy(single.contains)
        bytes = tokens.map {
            cuts || String(validating: $0, as: UTF8.self) != nil ? $0 : []
        }
        specialIDs = Dictionary(special, uniquingKeysWith: { first, _ in first })
        let bytes = bytes
        order = bytes.indices.filter { !bytes[$0].isEmpty }
            .sorted { bytes[$0].lexicographicallyPrecedes(bytes[$1]) }.map { Int32($0) }
        var layout = Layout()
        for id in order { layout.add(bytes[Int(id)]) }
        layout.close(to: 0)
        layout.firsts.append(Int32(order.count))
        (labels, depths) = (layout.labels, layout.depths)
        (ends, firsts) = (layout.ends, layout.firsts)
    }

    /// The id of a control token.
    func special(_ content: String) -> Int32? { specialIDs[Array(content.utf8)] }

    /// Nodes in the making; tokens come in order.
    private struct Layout {
        var labels: [UInt8] = []
        var depths: [Int32] = []
        var ends: [Int32] = []
        var firsts: [Int32] = []
        private var open: [Int] = []
        private var text: [UInt8] = []
        private var tokens: Int32 = 0

        mutating func add(_ token: [UInt8]) {
            close(to: zip(token, text).prefix { $0 == $1 }.count)
            for byte in token[open.count...] {
                open.append(labels.count)
                labels.append(byte)
                depths.append(Int32(open.count))
                ends.append(0)
                firsts.append(tokens)
            }
            text = token
            tokens += 1
        }

        mutating func close(to depth: Int) {
            while open.count > depth { ends[open.removeLast()] = Int32(labels.count) }
        }
    }
}
