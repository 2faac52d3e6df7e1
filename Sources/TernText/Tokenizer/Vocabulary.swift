// Which token has which id and stands for which bytes (station 2 of the walk). Tokens are keyed
// by bytes: as Swift strings, composed and decomposed spellings would be one key. It holds the
// model's tokens and the added ones; it does not split or merge text.

/// The tokens of a model, by id and by bytes.
///
/// The model's own tokens are found by the bytes they spell. In the byte alphabet, what is not
/// written in it can never come out of a merge; it is found by its content alone.
struct Vocabulary: Sendable {
    /// How tokens spell bytes.
    enum Spelling: Sendable {
        /// Each character of the byte alphabet is a byte.
        case byteAlphabet
        /// Characters are themselves, in UTF-8.
        case characters
    }

    /// Larger ids are refused: they would only cost memory.
    static let maximumID = (1 << 22) - 1

    /// How one id is written and what it means.
    private struct Entry {
        var start = 0
        var count = -1
        var isSpelled = false
        var isSpecial = false
    }

    private var entries: [Entry] = []
    private var bytes: [UInt8] = []
    private var slots: [Int32] = []
    private var unspelledIDs: [[UInt8]: Int32] = [:]
    private var addedIDs: [[UInt8]: Int32] = [:]
    private var nextAddedID: Int32
    private let hash = SeededHash()
    let spelling: Spelling

    /// The largest id plus one.
    var size: Int { entries.count }

    private init(count: Int, _ spelling: Spelling) {
        self.spelling = spelling
        nextAddedID = Int32(clamping: count)
        var slotCount = 16
        while slotCount < count * 2 { slotCount *= 2 }
        slots = Array(repeating: -1, count: slotCount)
    }

    /// Reads the `model.vocab` of a byte-pair encoding: an object of tokens and their ids.
    init(_ field: TokenizerField, _ spelling: Spelling) throws(TokenizerError) {
        let members = try field.members()
        self.init(count: members.count, spelling)
        for (content, value) in members {
            let place = { TokenizerField(path: "\(field.path)[\(quoted(content))]", value: value) }
            guard let number = value.integer, (0...Self.maximumID).contains(number) else {
                throw place().failure("an id from 0 to \(Self.maximumID) is expected", found: true)
            }
            let id = Int32(number)
            guard !has(id) else { throw place().failure("two tokens have the id \(id)") }
            guard modelID(of: content) == nil else {
                throw place().failure("the token stands twice")
            }
            set(id, content)
            insert(id, content)
        }
    }

    /// Takes the pieces of a Unigram model, in the order of their ids; of equal ones the last is
    /// found.
    init(pieces: [String], _ spelling: Spelling) {
        self.init(count: pieces.count, spelling)
        for (id, content) in pieces.enumerated() {
            set(Int32(id), content)
            insert(Int32(id), content)
        }
    }

    /// Gives an added token its id: the one of its content where the model has it, else the next
    /// free one. The id that the file states is not asked, as `tokenizers` does not.
    mutating func add(_ content: String, isSpecial: Bool) throws(TokenizerError) -> Int32 {
        let key = Array(content.utf8)
        let known = addedIDs[key] ?? modelID(of: content)
        let id = known ?? nextAddedID
        guard known != nil || !has(id) else {
            throw TokenizerError(
                "tokenizer.json: added_tokens: \(quoted(content)) would get the id \(id), which the "
                    + "model has given; number the model's tokens without gaps")
        }
        addedIDs[key] = id
        nextAddedID = max(nextAddedID, id + 1)
        set(id, content)
        if isSpecial { entries[Int(id)].isSpecial = true }
        return id
    }

    /// Changes what an added token stands for in decoded text, as `tokenizers` does for those that
    /// are looked for in normalized text. It is found by its content as before, and stays special.
    mutating func respell(_ id: Int32, _ form: [UInt8]) {
        guard let content = content(of: id), content != form else { return }
        let isSpecial = isSpecial(id)
        set(id, String(decoding: form, as: UTF8.self))
        entries[Int(id)].isSpecial = isSpecial
    }

    /// Whether a token has this id.
    func has(_ id: Int32) -> Bool { entry(id) != nil }

    /// Whether the token is special: left out of decoded text where that is asked.
    func isSpecial(_ id: Int32) -> Bool { entry(id)?.isSpecial ?? false }

    /// The bytes that a token stands for; nil where no token has the id.
    func bytes(of id: Int32) -> ArraySlice<UInt8>? {
        guard let entry = entry(id) else { return nil }
        return bytes[entry.start..<entry.start + entry.count]
    }

    /// A token as the file writes it, in UTF-8; nil where no token has the id.
    func content(of id: Int32) -> [UInt8]? {
        guard let entry = entry(id), let bytes = bytes(of: id) else { return nil }
        return entry.isSpelled && spelling == .byteAlphabet
            ? Array(ByteAlphabet.text(of: Array(bytes)).utf8) : Array(bytes)
    }

    /// The bytes that a token spells in the byte alphabet, or those of its content where it is not
    /// written in it; nil where no token has the id.
    func alphabetBytes(of id: Int32) -> [UInt8]? {
        guard let bytes = bytes(of: id).map(Array.init) else { return nil }
        switch spelling {
        case .byteAlphabet: return bytes
        case .characters:
            return ByteAlphabet.bytes(of: String(decoding: bytes, as: UTF8.self)) ?? bytes
        }
    }

    /// The id of a token as the file writes it.
    func id(of content: String) -> Int32? { addedIDs[Array(content.utf8)] ?? modelID(of: content) }

    /// The id of the model's token that is spelled with these bytes.
    func id(spelling text: borrowing [UInt8], _ range: Range<Int>) -> Int32? {
        let id = slots[slot(text, range)]
        return id < 0 ? nil : id
    }

    private func modelID(of content: String) -> Int32? {
        guard let spelled = spelled(content) else { return unspelledIDs[Array(content.utf8)] }
        return id(spelling: spelled, spelled.indices)
    }

    /// The bytes that a token spells; nil where it is not written in the byte alphabet.
    func spelled(_ content: String) -> [UInt8]? {
        switch spelling {
        case .byteAlphabet: ByteAlphabet.bytes(of: content)
        case .characters: Array(content.utf8)
        }
    }

    private func entry(_ id: Int32) -> Entry? {
        guard entries.indices.contains(Int(id)), entries[Int(id)].count >= 0 else { return nil }
        return entries[Int(id)]
    }

    private mutating func set(_ id: Int32, _ content: String) {
        let missing = Int(id) + 1 - entries.count
        if missing > 0 { entries.append(contentsOf: repeatElement(Entry(), count: missing)) }
        let spelled = spelled(content)
        let raw = spelled ?? Array(content.utf8)
        entries[Int(id)] = Entry(
            start: bytes.count, count: raw.count, isSpelled: spelled != nil)
        bytes.append(contentsOf: raw)
    }

    private mutating func insert(_ id: Int32, _ content: String) {
        if let spelled = spelled(content) {
            slots[slot(spelled, spelled.indices)] = id
        } else {
            unspelledIDs[Array(content.utf8)] = id
        }
    }

    /// The slot of the token with these bytes, or the free one where it belongs.
    private func slot(_ text: borrowing [UInt8], _ range: Range<Int>) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash(text, range)) & mask
        while slots[slot] >= 0, !spells(slots[slot], text, range) { slot = (slot + 1) & mask }
        return slot
    }

    private func spells(_ id: Int32, _ text: borrowing [UInt8], _ range: Range<Int>) -> Bool {
        let entry = entries[Int(id)]
        guard entry.count == range.count else { return false }
        for offset in 0..<entry.count
        where bytes[entry.start + offset] != text[range.lowerBound + offset] {
            return false
        }
        return true
    }
}
