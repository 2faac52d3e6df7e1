// Turns one word, a piece that the pre-tokenizer cut, into tokens by merging neighbours (station 2
// of the walk). It does not cut text into words and knows no added tokens.

/// A byte-pair encoding, of bytes or of characters.
///
/// A word starts as one token a symbol; the earliest merge of any two neighbours, the leftmost of
/// equals, is done until none is left.
///
/// Cost: O(n log n) for n symbols between two seams, by a queue over a linked list. What is one
/// token, most words of a text, costs one look-up: which tokens their own symbols merge back to is
/// found out once, at loading.
///
/// Source: Sennrich, Haddow, Birch 2016, arXiv 1508.07909; the order of merges, and of unknown
/// characters among byte tokens, was checked against `tokenizers`.
struct BytePairEncoder: Sendable {
    /// The working memory of one call, used again from word to word.
    struct Workspace {
        fileprivate var tokens: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var queue = MergeQueue()
        /// The text of the tokens so far, where each is the symbol of its character.
        fileprivate var text: Range<Int>?
    }

    private let symbols: SymbolTable
    private let merges: MergeTable
    private let seams: MergeSeams?
    private let unknown: Unknown
    private let ignoresMerges: Bool
    /// The tokens that their own symbols merge to.
    private var isMerged: [Bool] = []
    private let isControl: [Bool]

    /// What becomes of symbols that no token stands for.
    enum Unknown: Sendable, Equatable {
        /// They are left out.
        case dropped
        /// Each becomes this token, or each run of them where they are fused.
        case replaced(by: Int32, fused: Bool)

        fileprivate var isFused: Bool {
            if case .replaced(_, fused: true) = self { true } else { false }
        }
    }

    /// Makes an encoding.
    ///
    /// - Parameter seams: Where texts may be cut; nil for nowhere.
    /// - Parameter ignoresMerges: Whether words that are tokens stay whole although no merges lead
    ///   there; tokens that `isControl` names never do so.
    init(
        _ symbols: SymbolTable, _ merges: MergeTable, _ seams: MergeSeams?, unknown: Unknown,
        ignoresMerges: Bool, isControl: (Int32) -> Bool
    ) {
        self.symbols = symbols
        self.merges = merges
        self.seams = seams
        self.unknown = unknown
        self.ignoresMerges = ignoresMerges
        self.isControl = (0..<Int32(symbols.vocabulary.size)).map(isControl)
        isMerged = mergedTokens()
    }

    /// Appends the tokens of a word.
    func encode(
        _ text: borrowing [UInt8], _ word: Range<Int>, into ids: inout [Int32],
        _ workspace: inout Workspace
    ) {
        if let id = symbols.vocabulary.id(spelling: text, word),
            ignoresMerges ? !isControl[Int(id)] : isMerged[Int(id)]
        {
            ids.append(id)
            return
        }
        encodeSymbols(text, word, into: &ids, &workspace)
    }

    private func mergedTokens() -> [Bool] {
        var workspace = Workspace()
        var ids: [Int32] = []
        return (0..<Int32(symbols.vocabulary.size)).map { id in
            guard let bytes = symbols.vocabulary.bytes(of: id).map(Array.init),
                symbols.vocabulary.id(spelling: bytes, bytes.indices) == id
            else { return false }
            ids.removeAll(keepingCapacity: true)
            encodeSymbols(bytes, bytes.indices, into: &ids, &workspace)
            return ids == [id]
        }
    }

    /// Lays out the symbols of a word and merges what lies between seams.
    private func encodeSymbols(
        _ text: borrowing [UInt8], _ word: Range<Int>, into ids: inout [Int32],
        _ workspace: inout Workspace
    ) {
        var index = word.lowerBound
        var waitsUnknown = false
        workspace.text = index..<index
        while index < word.upperBound {
            let range = index..<index + symbols.width(text, index)
            let symbol = symbols.symbol(text, range)
            index = range.upperBound
            if symbol != SymbolTable.absent {
                if waitsUnknown { addUnknown(&workspace) }
                waitsUnknown = false
                add(symbol, range, text, into: &ids, &workspace)
            } else {
                workspace.text = nil
                // Byte tokens pass an unknown character that waits to be fused, as the reference
                // has it.
                if symbols.appendBytes(text, range, to: &workspace.tokens) { continue }
                if waitsUnknown, !unknown.isFused { addUnknown(&workspace) }
                waitsUnknown = unknown != .dropped
            }
        }
        if waitsUnknown { addUnknown(&workspace) }
        finishSegment(text, into: &ids, &workspace)
    }

    private func addUnknown(_ workspace: inout Workspace) {
        guard case .replaced(let id, _) = unknown else { return }
        workspace.tokens.append(id)
        workspace.text = nil
    }

    /// Adds the symbol of a character, after a seam as the first of a new segment.
    private func add(
        _ symbol: Int32, _ range: Range<Int>, _ text: borrowing [UInt8],
        into ids: inout [Int32], _ workspace: inout Workspace
    ) {
        if let seams, let last = workspace.tokens.last, seams.isSeam(last, symbol) {
            finishSegment(text, into: &ids, &workspace)
        }
        if workspace.tokens.isEmpty {
            workspace.text = range
        } else if let start = workspace.text?.lowerBound {
            workspace.text = start..<range.upperBound
        }
        workspace.tokens.append(symbol)
    }

    /// Appends what the symbols since the last seam become.
    private func finishSegment(
        _ text: borrowing [UInt8], into ids: inout [Int32], _ workspace: inout Workspace
    ) {
        defer { workspace.tokens.removeAll(keepingCapacity: true) }
        if workspace.tokens.count > 1, !isMerged.isEmpty, let range = workspace.text,
            let id = symbols.vocabulary.id(spelling: text, range), isMerged[Int(id)]
        {
            ids.append(id)
            return
        }
        merge(&workspace)
        for token in workspace.tokens where token != SymbolTable.absent { ids.append(token) }
    }

    /// Merges until no two neighbours can be merged; what a merge swallowed is left `absent`.
    private func merge(_ workspace: inout Workspace) {
        let count = workspace.tokens.count
        guard count > 1 else { return }
        workspace.previous.removeAll(keepingCapacity: true)
        workspace.next.removeAll(keepingCapacity: true)
        for position in 0..<Int32(count) {
            workspace.previous.append(position - 1)
            workspace.next.append(position + 1)
        }
        for position in 0..<count - 1 { enqueue(position, position + 1, &workspace) }
        while let (rank, position) = workspace.queue.removeFirst() {
            apply(rank, position, count, &workspace)
        }
    }

    /// Does one merge, unless its two tokens have changed since it was queued.
    private func apply(
        _ rank: UInt32, _ position: Int, _ count: Int, _ workspace: inout Workspace
    ) {
        let right = Int(workspace.next[position])
        guard workspace.tokens[position] != SymbolTable.absent, right < count,
            merges.rank(workspace.tokens[position], workspace.tokens[right]) == rank
        else { return }
        workspace.tokens[position] = merges.result(rank: rank)
        workspace.tokens[right] = SymbolTable.absent
        let after = Int(workspace.next[right])
        workspace.next[position] = Int32(after)
        if after < count {
            workspace.previous[after] = Int32(position)
            enqueue(position, after, &workspace)
        }
        let before = Int(workspace.previous[position])
        if before >= 0 { enqueue(before, position, &workspace) }
    }

    private func enqueue(_ left: Int, _ right: Int, _ workspace: inout Workspace) {
        let rank = merges.rank(workspace.tokens[left], workspace.tokens[right])
        if rank != MergeTable.never { workspace.queue.insert(rank: rank, position: left) }
    }
}
