import Testing

@testable import TernServer

@Suite("Request heads")
struct RequestHeadTests {
    private func parse(_ text: String) throws -> RequestHead {
        try RequestHead(parsing: Array(text.utf8), limits: HTTPLimits())
    }

    @Test("A plain head is read with its headers' blanks taken off")
    func plain() throws {
        let head = try parse(
            "POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length:  12\t\r\nX-Empty:\r\n\r\n")
        #expect(head.method == "POST")
        #expect(head.target == "/v1/x?y=1")
        #expect(head.minorVersion == 1)
        #expect(head["content-length"] == "12")
        #expect(head["x-empty"] == "")
        #expect(head["x-none"] == nil)
    }

    @Test("What could be read in two ways is refused")
    func refusals() {
        let cases: [(String, HTTPStatus)] = [
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
                .badRequest
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                .badRequest
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badRequest),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                .bodyTooLarge
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33554433\r\n\r\n", .bodyTooLarge),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", .expectationFailed),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", .badRequest),
            ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\u{0}b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n\u{0}X: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\nHost: a\n\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", .badRequest),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .versionNotSupported),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotAllowed),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotAllowed),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("\r\n\r\n", .badRequest),
        ]
        for (text, status) in cases {
            #expect("\(text)") {
                try parse(text)
            } throws: {
                ($0 as? APIError)?.status == status
            }
        }
    }

    @Test("A hundred header lines pass, one more does not")
    func headerLines() throws {
        func head(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n"
                + String(repeating: "X: y\r\n", count: count - 1) + "\r\n"
        }
        #expect(try parse(head(100)).headers.count == 100)
        #expect(throws: APIError.self) { try parse(head(101)) }
    }

    @Test("HTTP/1.0 needs no Host, and chunked bodies are known in any letters")
    func permissions() throws {
        #expect(try parse("GET / HTTP/1.0\r\n\r\n").minorVersion == 0)
        _ = try parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n")
        _ = try parse("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    }

    @Test("The key is taken in its whole, with the scheme in any letters")
    func key() throws {
        let key = APIKey("secret")
        let cases: [(String, Bool)] = [
            ("Bearer secret", true), ("bearer secret", true), ("Bearer secre", false),
            ("Bearer secretsecret", false), ("Bearer ", false), ("secret", false),
            ("Bearer secreT", false), ("Basic secret", false),
        ]
        for (value, opens) in cases {
            let head = try parse("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: \(value)\r\n\r\n")
            #expect(key.opens(head) == opens, "\(value)")
        }
        #expect(try !key.opens(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")))
    }
}
