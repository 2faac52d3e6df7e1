// Takes the steps of a TokenDecoder on tokens that come one by one (station 12 of the walk). It
// yields bytes, which need not be whole characters yet; Detokenizer makes characters of them.

/// A decoder at work on one sequence.
///
/// What it appends, joined, does not depend on when it is asked. It waits for the next token where
/// that may change the text: a run of byte tokens is known to be characters at its end only.
struct DecodingStream: Sendable {
    private let decoder: TokenDecoder
    /// The byte tokens that wait, for each step.
    private var runs: [[UInt8]]
    /// Whether a step has seen no token yet.
    private var isFirst: [Bool]
    private var isEmpty: Bool
    /// The joined text that was not taken yet.
    var bytes: [UInt8] = []

    private static let replacement = Array("\u{FFFD}".utf8)

    /// - isAtStart: whether no text stands before what is appended.
    init(_ decoder: TokenDecoder, isAtStart: Bool) {
        self.decoder = decoder
        runs = Array(repeating: [], count: decoder.steps.count)
        isFirst = Array(repeating: isAtStart, count: decoder.steps.count)
        isEmpty = isAtStart
    }

    /// Takes the next token; ids without a token stand for nothing.
    mutating func append(_ id: Int32, of vocabulary: Vocabulary) {
        if decoder.steps.isEmpty, case .bytes = decoder.joint {
            if let token = vocabulary.alphabetBytes(of: id) { bytes += token }
        } else if let token = vocabulary.content(of: id) {
            push(token, 0)
        }
    }

    /// Ends the text.
    mutating func finish() {
        for step in runs.indices { flush(step) }
    }

    /// Hands a token to a step, and what becomes of it to the next.
    private mutating func push(_ token: [UInt8], _ number: Int) {
        guard number < decoder.steps.count else {
            join(token)
            return
        }
        let wasFirst = isFirst[number]
        isFirst[number] = false
        switch decoder.steps[number] {
        case .replace(let pattern, let content):
            push(token.replacing(pattern, with: content), number + 1)
        case .metaspace(let mark, let dropsInFirst):
            let content: [UInt8] = wasFirst && dropsInFirst ? [] : [UInt8(ascii: " ")]
            push(token.replacing(mark, with: content), number + 1)
        case .strip(let strip): push(strip(token), number + 1)
        case .byteFallback:
            if let byte = TokenDecoder.byte(token) {
                runs[number].append(byte)
            } else {
                flush(number)
                push(token, number + 1)
            }
        }
    }

    /// Ends a run of byte tokens: its characters or, if it is not UTF-8, one U+FFFD a byte.
    private mutating func flush(_ number: Int) {
        let run = runs[number]
        guard !run.isEmpty else { return }
        runs[number] = []
        if (try? UTF8Span(validating: run.span)) != nil {
            push(run, number + 1)
        } else {
            for _ in run { push(Self.replacement, number + 1) }
        }
    }

    private mutating func join(_ token: [UInt8]) {
        switch decoder.joint {
        case .nothing: bytes += token
        case .bytes:
            bytes += ByteAlphabet.bytes(of: String(decoding: token, as: UTF8.self)) ?? token
        case .blank:
            if !isEmpty { bytes.append(UInt8(ascii: " ")) }
            bytes += token
        }
        isEmpty = false
    }
}
