// The framing of a chunked body, read strictly as RequestHead reads heads: evhttp takes signs,
// blanks and `0x` before a chunk's size. Extensions and trailers are refused, for no client of
// such a server sends them and proxies disagree about them. The data itself is skipped: evhttp
// collects it.
//
// Source: RFC 9112, section 7.1.

/// Where a reader is within a chunked body.
struct ChunkedFraming: Equatable {
    private enum Place: Equatable {
        case size(digits: Int)
        case sizeLineFeed
        case data
        case dataReturn
        case dataLineFeed
        case endReturn
        case endLineFeed
        case done
    }

    private var place = Place.size(digits: 0)
    /// Bytes of the chunk that are still to come.
    private var remaining = 0
    /// Bytes of all chunks.
    private var total = 0
    private let limit: Int

    /// No chunk size needs more digits.
    private static let sizeDigits = 8

    init(limit: Int) { self.limit = limit }

    /// Reads on. What follows the end of the body is left alone.
    ///
    /// Throws: `APIError` where the framing is broken or the body gets too large.
    mutating func read(_ bytes: some Collection<UInt8>) throws(APIError) {
        var rest = bytes[...]
        while let byte = rest.first, place != .done {
            if place == .data {
                let skipped = min(remaining, rest.count)
                rest = rest.dropFirst(skipped)
                remaining -= skipped
                if remaining == 0 { place = .dataReturn }
            } else {
                try step(byte)
                rest = rest.dropFirst()
            }
        }
    }

    private mutating func step(_ byte: UInt8) throws(APIError) {
        switch (place, byte) {
        case (.size(let digits), UInt8(ascii: "\r")) where digits > 0: place = .sizeLineFeed
        case (.size(let digits), _) where digits < ChunkedFraming.sizeDigits:
            guard let value = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw ChunkedFraming.broken
            }
            remaining = remaining * 16 + value
            place = .size(digits: digits + 1)
        case (.sizeLineFeed, UInt8(ascii: "\n")):
            total += remaining
            guard total <= limit else { throw .bodyTooLarge(limit) }
            place = remaining == 0 ? .endReturn : .data
        case (.dataReturn, UInt8(ascii: "\r")): place = .dataLineFeed
        case (.dataLineFeed, UInt8(ascii: "\n")): place = .size(digits: 0)
        case (.endReturn, UInt8(ascii: "\r")): place = .endLineFeed
        case (.endLineFeed, UInt8(ascii: "\n")): place = .done
        default: throw ChunkedFraming.broken
        }
    }

    private static let broken = APIError(
        .badRequest,
        "HTTP chunk: expected a size in hexadecimal digits, CRLF, that many bytes, CRLF; "
            + "extensions and trailers are not taken")
}
