// Turns one word, a piece that the pre-tokenizer cut, into tokens by merging neighbours (station 2
// of the walk). It does not cut text into words and knows no added tokens.

/// A byte-level byte-pair encoding.
///
/// A word starts as one token a byte; the earliest merge of any two neighbours, the leftmost of
/// equals, is done until none is left.
///
/// Cost: O(n log n) for a word of n bytes, by a queue over a linked list. Words that are one token,
/// most words of a text, cost one look-up: which tokens their own bytes merge back to is found
/// out once, at loading.
///
/// Source: Sennrich, Haddow, Birch 2016, arXiv 1508.07909; the order of merges was checked against
/// `tokenizers`.
struct BytePairEncoder: Sendable {
    /// The working memory of one call, used again from word to word.
    struct Workspace {
        fileprivate var tokens: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var queue = MergeQueue()
    }

    private let vocabulary: Vocabulary
    private let merges: MergeTable
    private let byteTokens: [Int32]
    private let unknown: UnknownBytes
    private var isWholeWord: [Bool] = []

    /// What becomes of bytes that no token stands for.
    enum UnknownBytes: Sendable, Equatable {
        /// They are left out.
        case dropped
        /// Each becomes this token, or each run of them where they are fused.
        case replaced(by: Int32, fused: Bool)
    }

    private static let absent: Int32 = -1

    /// Makes an encoding.
    ///
    /// - Parameter ignoresMerges: Whether words that are tokens stay whole although no merges lead
    ///   there; tokens that `isControl` names never do so.
    init(
        _ vocabulary: Vocabulary, _ merges: MergeTable, unknown: UnknownBytes,
        ignoresMerges: Bool, isControl: (Int32) -> Bool
    ) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.unknown = unknown
        byteTokens = (0...255).map { byte in
            vocabulary.id(spelling: [byte], 0..<1) ?? Self.absent
        }
        isWholeWord = wholeWords(ignoresMerges: ignoresMerges, isControl: isControl)
    }

    /// Appends the tokens of a word.
    func encode(
        _ text: borrowing [UInt8], _ word: Range<Int>, into ids: inout [Int32],
        _ workspace: inout Workspace
    ) {
        if let id = vocabulary.id(spelling: text, word), isWholeWord[Int(id)] {
            ids.append(id)
            return
        }
        start(text, word, &workspace)
        merge(&workspace)
        for token in workspace.tokens where token != Self.absent { ids.append(token) }
    }

    private func wholeWords(ignoresMerges: Bool, isControl: (Int32) -> Bool) -> [Bool] {
        var workspace = Workspace()
        return (0..<Int32(vocabulary.size)).map { id in
            guard let bytes = vocabulary.bytes(of: id).map(Array.init),
                vocabulary.id(spelling: bytes, bytes.indices) == id
            else { return false }
            if ignoresMerges { return !isControl(id) }
            start(bytes, bytes.indices, &workspace)
            merge(&workspace)
            return workspace.tokens.filter { $0 != Self.absent } == [id]
        }
    }

    /// Lays out a word as one token a byte.
    private func start(
        _ text: borrowing [UInt8], _ word: Range<Int>, _ workspace: inout Workspace
    ) {
        workspace.tokens.removeAll(keepingCapacity: true)
        var followsUnknown = false
        for index in word {
            let token = byteTokens[Int(text[index])]
            switch unknown {
            case _ where token != Self.absent: workspace.tokens.append(token)
            case .dropped: break
            case .replaced(_, fused: true) where followsUnknown: break
            case .replaced(let id, _): workspace.tokens.append(id)
            }
            followsUnknown = token == Self.absent
        }
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
        guard workspace.tokens[position] != Self.absent, right < count,
            merges.rank(workspace.tokens[position], workspace.tokens[right]) == rank
        else { return }
        workspace.tokens[position] = merges.result(rank: rank)
        workspace.tokens[right] = Self.absent
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
