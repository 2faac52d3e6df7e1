// Turns one word into the pieces that are likeliest together (station 2 of the walk). It does not
// cut text into words and knows no added tokens.

/// A Unigram language model of pieces.
///
/// The best path to each place of a word is kept; of equal paths the one whose last piece is
/// longest. Where no piece crosses a place, the path up to it is final and leaves the working
/// memory, which so stays as short as a few pieces.
///
/// Cost: linear in the word times the length of the longest piece.
///
/// Source: Kudo 2018, arXiv 1804.10959; scores, ties and unknown characters were checked against
/// `tokenizers` (unigram/model.rs, `encode_optimized`).
struct UnigramEncoder: Sendable {
    /// The best path to a place.
    fileprivate struct Node {
        var score = 0.0
        var start = -1
        var id: Int32 = 0
    }

    /// The working memory of one call, used again from word to word.
    struct Workspace {
        fileprivate var nodes: [Node] = []
        fileprivate var path: [(range: Range<Int>, id: Int32)] = []
        /// A run of unknown characters whose end is not known yet.
        fileprivate var unknownRun: Range<Int>?
    }

    private let symbols: SymbolTable
    private let pieces: TokenTrie
    private let scores: [Double]
    private let unknown: Int32?
    private let unknownScore: Double
    private let isControl: [Bool]

    /// How much less likely an unknown character is than the least likely piece.
    private static let unknownPenalty = 10.0

    /// Makes an encoding.
    ///
    /// - Parameter scores: The logarithm of the likelihood of each piece, by id.
    /// - Parameter isControl: Names pieces that are never found in text.
    init(
        _ symbols: SymbolTable, scores: [Double], unknown: Int32?, isControl: (Int32) -> Bool
    ) {
        self.symbols = symbols
        self.scores = scores
        self.unknown = unknown
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
        let controls = scores.indices.map { isControl(Int32($0)) }
        self.isControl = controls
        var entries: [(bytes: [UInt8], number: Int32)] = []
        for id in scores.indices where !controls[id] {
            guard let bytes = symbols.vocabulary.bytes(of: Int32(id)).map(Array.init),
                symbols.vocabulary.id(spelling: bytes, bytes.indices) == Int32(id)
            else { continue }
            entries.append((bytes, Int32(id)))
        }
        pieces = TokenTrie(entries)
    }

    /// Appends the tokens of a word.
    ///
    /// Throws: at an unknown character, where the model has no token for such.
    func encode(
        _ text: borrowing [UInt8], _ word: Range<Int>, into ids: inout [Int32],
        _ workspace: inout Workspace
    ) throws(TokenizerError) {
        var base = word.lowerBound
        var position = base
        workspace.unknownRun = nil
        restart(0, &workspace)
        while position < word.upperBound {
            let end = position + symbols.width(text, position)
            let knows = extend(position, base, end, text, word.upperBound, &workspace)
            if !knows { try extendByUnknown(position, base, end, &workspace) }
            position = end
            if workspace.nodes.count == position - base + 1 {
                let score = workspace.nodes[position - base].score
                finishPath(base, text, into: &ids, &workspace)
                restart(score, &workspace)
                base = position
            }
        }
        finishUnknown(text, into: &ids, &workspace)
    }

    /// Begins the working memory anew at a place that all paths meet in.
    private func restart(_ score: Double, _ workspace: inout Workspace) {
        workspace.nodes.removeAll(keepingCapacity: true)
        workspace.nodes.append(Node(score: score))
    }

    /// Offers each piece at a place as the last of a path.
    ///
    /// - Returns: Whether one of them is the character up to `end`.
    private func extend(
        _ position: Int, _ base: Int, _ end: Int, _ text: borrowing [UInt8], _ limit: Int,
        _ workspace: inout Workspace
    ) -> Bool {
        let score = workspace.nodes[position - base].score
        var knows = false
        pieces.forEachMatch(in: text, at: position, before: limit) { id, pieceEnd in
            let node = Node(
                score: score + scores[Int(id)], start: position - base, id: id)
            offer(node, at: pieceEnd - base, &workspace)
            knows = knows || pieceEnd == end
        }
        return knows
    }

    private func extendByUnknown(
        _ position: Int, _ base: Int, _ end: Int, _ workspace: inout Workspace
    ) throws(TokenizerError) {
        let score = workspace.nodes[position - base].score + unknownScore
        let node = Node(score: score, start: position - base, id: unknown ?? SymbolTable.absent)
        if offer(node, at: end - base, &workspace), unknown == nil {
            throw TokenizerError(
                "the text has a character that the model has no token for, and tokenizer.json "
                    + "names no model.unk_id")
        }
    }

    @discardableResult
    private func offer(_ node: Node, at place: Int, _ workspace: inout Workspace) -> Bool {
        while workspace.nodes.count <= place { workspace.nodes.append(Node()) }
        let best = workspace.nodes[place]
        guard best.start < 0 || node.score > best.score else { return false }
        workspace.nodes[place] = node
        return true
    }

    /// Appends the tokens of the best path to the last node.
    private func finishPath(
        _ base: Int, _ text: borrowing [UInt8], into ids: inout [Int32],
        _ workspace: inout Workspace
    ) {
        workspace.path.removeAll(keepingCapacity: true)
        var place = workspace.nodes.count - 1
        while place > 0 {
            let node = workspace.nodes[place]
            workspace.path.append((base + node.start..<base + place, node.id))
            place = node.start
        }
        for (range, id) in workspace.path.reversed() {
            if id == unknown {
                let start = workspace.unknownRun?.lowerBound ?? range.lowerBound
                workspace.unknownRun = start..<range.upperBound
            } else {
                finishUnknown(text, into: &ids, &workspace)
                ids.append(id)
            }
        }
    }

    /// Appends what a run of unknown characters becomes: the piece that it may be as a whole, its
    /// bytes, or the token for the unknown.
    private func finishUnknown(
        _ text: borrowing [UInt8], into ids: inout [Int32], _ workspace: inout Workspace
    ) {
        guard let run = workspace.unknownRun, let unknown else { return }
        workspace.unknownRun = nil
        if let id = symbols.vocabulary.id(spelling: text, run), !isControl[Int(id)] {
            ids.append(id)
        } else if !symbols.appendBytes(text, run, to: &ids) {
            ids.append(unknown)
        }
    }
}
