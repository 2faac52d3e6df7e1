// Unicode's normalization forms through utf8proc, for Normalizer (station 2 of the walk). It
// changes bytes only; which parts of a text are normalized is the Tokenizer's affair.

import CUTF8Proc

/// A Unicode normalization form.
///
/// Source: Unicode Standard Annex 15.
enum UnicodeNormalizer: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    /// The normalized text. The text is valid UTF-8.
    ///
    /// Cost: nothing but a scan where each character is too small to change.
    func callAsFunction(_ text: [UInt8]) -> [UInt8] {
        // Below U+0300, whose first byte is 0xCC, nothing composes; in ASCII nothing changes.
        let firstByteThatChanges: UInt8 = self == .nfc ? 0xCC : 0x80
        guard text.contains(where: { $0 >= firstByteThatChanges }) else { return text }
        var normalized: [UInt8] = []
        normalized.reserveCapacity(text.count)
        var run: [Int32] = []
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            // Characters younger than Unicode 9 stay as they are and part what they stand between:
            // the tables of `tokenizers` are that old, and with them each model was trained.
            if scalar.isYoungerThan(major: 9) {
                finish(&run, into: &normalized)
                append(scalar, to: &normalized)
            } else {
                decompose(scalar, into: &run)
            }
        }
        finish(&run, into: &normalized)
        return normalized
    }

    /// Normalizes a run of decomposed characters and empties it.
    private func finish(_ run: inout [Int32], into normalized: inout [UInt8]) {
        sortMarks(&run)
        if self == .nfc || self == .nfkc { compose(&run) }
        for value in run {
            guard let scalar = Unicode.Scalar(UInt32(bitPattern: value)) else { continue }
            append(scalar, to: &normalized)
        }
        run.removeAll(keepingCapacity: true)
    }

    private func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private var options: utf8proc_option_t {
        var bits = UTF8PROC_STABLE.rawValue
        bits |= self == .nfc || self == .nfkc ? UTF8PROC_COMPOSE.rawValue : 0
        bits |= self == .nfd || self == .nfkd ? UTF8PROC_DECOMPOSE.rawValue : 0
        bits |= self == .nfkc || self == .nfkd ? UTF8PROC_COMPAT.rawValue : 0
        return utf8proc_option_t(rawValue: bits)
    }

    private func decompose(_ scalar: Unicode.Scalar, into run: inout [Int32]) {
        let room = 32  // The longest decomposition, that of U+FDFA, has 18 characters.
        let value = Int32(bitPattern: scalar.value)
        var boundary: Int32 = 0
        let count = withUnsafeTemporaryAllocation(of: Int32.self, capacity: room) { buffer in
            let count = utf8proc_decompose_char(
                value, buffer.baseAddress, room, options, &boundary)
            precondition((0...room).contains(count), "utf8proc: \(count) of \(room) characters")
            run.append(contentsOf: buffer[..<count])
            return count
        }
        precondition(count > 0, "utf8proc: nothing for U+\(String(scalar.value, radix: 16))")
    }

    /// Brings runs of combining marks into canonical order. utf8proc's own sorting takes quadratic
    /// time, which a request could use against the server.
    private func sortMarks(_ scalars: inout [Int32]) {
        var start = 0
        while start < scalars.count {
            var run: [(mark: Int32, order: Int)] = []
            var end = start
            while end < scalars.count, case let order = combiningClass(scalars[end]), order != 0 {
                run.append((scalars[end], order << 40 | end))
                end += 1
            }
            if run.count > 1 {
                run.sort { $0.order < $1.order }
                for (offset, element) in run.enumerated() { scalars[start + offset] = element.mark }
            }
            start = end + 1
        }
    }

    private func combiningClass(_ scalar: Int32) -> Int {
        Int(utf8proc_get_property(scalar).pointee.combining_class)
    }

    private func compose(_ scalars: inout [Int32]) {
        let count = utf8proc_normalize_utf32(&scalars, scalars.count, options)
        precondition((0...scalars.count).contains(count), "utf8proc: \(count) of \(scalars.count)")
        scalars.removeLast(scalars.count - count)
    }
}
