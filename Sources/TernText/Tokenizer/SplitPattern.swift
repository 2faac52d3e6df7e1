// A compiled pattern of a pre-tokenizer and the search with it, on PCRE2 (station 2 of the walk).
// The one file that calls PCRE2. It finds matches; what becomes of them is PreTokenizer's affair.

import CPCRE2

/// A pattern that finds its matches from left to right.
///
/// Thread: compiled code is only read; every search has working memory of its own.
final class SplitPattern: @unchecked Sendable {
    // Sendable: `code` is written in `init` alone; pcre2api(3) allows matching with one compiled
    // pattern in several threads once it is compiled, JIT code included.
    private let code: OpaquePointer

    /// How many steps one match may take; ordinary text takes a few for each of its bytes.
    private static let matchLimit: UInt32 = 100_000_000
    private static let depthLimit: UInt32 = 10_000
    private static let heapLimitKibibytes: UInt32 = 64 * 1024
    private static let jitStackBytes = (first: 32 * 1024, most: 32 * 1024 * 1024)

    /// Compiles a pattern in Oniguruma's syntax.
    convenience init(_ pattern: String) throws(PatternProblem) {
        try self.init(translated: PatternTranslator.translate(pattern))
    }

    /// A pattern that matches a text as it stands.
    convenience init(literal text: String) throws(PatternProblem) {
        try self.init(translated: PatternTranslator.escape(text))
    }

    private init(translated pattern: [UInt8]) throws(PatternProblem) {
        let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
        var error: Int32 = 0
        var offset = 0
        guard let context = pcre2_compile_context_create_8(nil) else {
            throw PatternProblem(reason: "no memory for a pattern")
        }
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        guard
            let code = pcre2_compile_8(pattern, pattern.count, options, &error, &offset, context)
        else {
            throw PatternProblem(
                reason: "\(Self.message(error)) near byte \(offset) of the translated pattern")
        }
        self.code = code
        // Where the host forbids generated code, PCRE2 interprets the pattern.
        pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    }

    deinit { pcre2_code_free_8(code) }

    /// The working memory of a search: making it costs more than a short text does.
    func makeSearch() throws(TokenizerError) -> Search { try Search(self) }

    private static func message(_ error: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 128)
        let length = pcre2_get_error_message_8(error, &buffer, buffer.count)
        return String(decoding: buffer.prefix(Int(max(0, length))), as: UTF8.self)
    }

    /// A search with the pattern, to be used for one text after another.
    struct Search: ~Copyable {
        private let pattern: SplitPattern
        private let match: OpaquePointer
        private let context: OpaquePointer
        private let stack: OpaquePointer?

        fileprivate init(_ pattern: SplitPattern) throws(TokenizerError) {
            guard let match = pcre2_match_data_create_8(1, nil) else {
                throw TokenizerError("no memory to split a text")
            }
            guard let context = pcre2_match_context_create_8(nil) else {
                pcre2_match_data_free_8(match)
                throw TokenizerError("no memory to split a text")
            }
            self.pattern = pattern
            self.match = match
            self.context = context
            stack = pcre2_jit_stack_create_8(jitStackBytes.first, jitStackBytes.most, nil)
            pcre2_jit_stack_assign_8(context, nil, stack.map(UnsafeMutableRawPointer.init))
            pcre2_set_match_limit_8(context, matchLimit)
            pcre2_set_depth_limit_8(context, depthLimit)
            pcre2_set_heap_limit_8(context, heapLimitKibibytes)
        }

        deinit {
            pcre2_match_data_free_8(match)
            pcre2_match_context_free_8(context)
            pcre2_jit_stack_free_8(stack)
        }

        /// Calls a function with each match in a range of a text, in order. What lies outside of
        /// the range does not count for what a pattern sees before and behind.
        ///
        /// An empty match directly behind another match is left out, as in Oniguruma's iteration.
        ///
        /// Throws: where a match takes too many steps.
        func forEachMatch(
            in text: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void
        ) throws(TokenizerError) {
            try text.withUnsafeBufferPointer { buffer throws(TokenizerError) in
                guard let base = buffer.baseAddress, !range.isEmpty else { return }
                let subject = UnsafeBufferPointer(
                    start: base + range.lowerBound, count: range.count)
                var position = 0
                var lastEnd: Int?
                while let match = try next(subject, from: position) {
                    if match.isEmpty, match.lowerBound == lastEnd {
                        if position == subject.count { break }
                        repeat {
                            position += 1
                        } while position < subject.count && subject[position] & 0xC0 == 0x80
                        continue
                    }
                    let start = range.lowerBound + match.lowerBound
                    body(start..<start + match.count)
                    position = match.upperBound
                    lastEnd = match.upperBound
                }
            }
        }

        private func next(
            _ subject: UnsafeBufferPointer<UInt8>, from position: Int
        ) throws(TokenizerError) -> Range<Int>? {
            let result = pcre2_match_8(
                pattern.code, subject.baseAddress, subject.count, position, PCRE2_NO_UTF_CHECK,
                match, context)
            if result == PCRE2_ERROR_NOMATCH { return nil }
            guard result >= 0, let offsets = pcre2_get_ovector_pointer_8(match) else {
                throw TokenizerError("the text cannot be split: \(message(result))")
            }
            return offsets[0]..<max(offsets[0], offsets[1])
        }
    }
}
