import Testing

@testable import TernServer

@Suite("Chunked bodies")
struct ChunkedFramingTests {
    private func read(_ text: String, limit: Int = 100, step: Int = .max) throws {
        var framing = ChunkedFraming(limit: limit)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try framing.read(rest.prefix(step))
            rest = rest.dropFirst(step)
        }
    }

    @Test("Well-framed bodies pass, whole and byte by byte, and what follows is left alone")
    func wellFramed() throws {
        for text in [
            "0\r\n\r\n", "5\r\nab\r\nc\r\n0\r\n\r\n", "00A\r\n0123456789\r\n0\r\n\r\nGET +",
            "5\r\nabc",
        ] {
            for step in [1, 2, 3, Int.max] { try read(text, step: step) }
        }
    }

    @Test("Sizes that are not plain hexadecimal digits, wrong line ends and trailers are refused")
    func broken() {
        for text in [
            "+5\r\n", "-1\r\n", "0x5\r\n", " 5\r\n", "5 \r\n", "\r\n", "g\r\n", "5\n", "5\rx",
            "5;name=value\r\n", "000000005\r\n", "1\r\nab\r\n", "1\r\na\n", "0\r\nX: y\r\n\r\n",
            "5\u{664}\r\n",
        ] {
            for step in [1, Int.max] {
                #expect("\(text)") {
                    try read(text, step: step)
                } throws: {
                    ($0 as? APIError)?.status == .badRequest
                }
            }
        }
    }

    @Test("A body beyond the bound is refused at the size that exceeds it")
    func tooLarge() throws {
        try read("64\r\n", limit: 100)
        for text in ["65\r\n", "ffffffff\r\n", "1\r\na\r\n64\r\n"] {
            #expect("\(text)") {
                try read(text, limit: 100)
            } throws: {
                ($0 as? APIError)?.status == .bodyTooLarge
            }
        }
    }
}
