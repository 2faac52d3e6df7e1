// Fuzzes HTTP itself: request lines, headers, framing of bodies, in pieces and several in a row.

/// The HTTP layer, over a socket.
enum HTTPTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let server = try LiveServer(corpus)
        return FuzzTarget(
            name: "http", language: .words, seeds: requests.map { Array($0.utf8) }, words: words,
            inputBytes: 1 << 17, memoryBytes: 2 << 30
        ) { input in
            // Bytes that leave a request open are waited for briefly, and the connection is left.
            let pieces = [1 << 17, 7, 64, 1][input.count % 4]
            server.exchange(
                input, pieces: max(pieces, input.count / 200), patience: .milliseconds(20))
            if input.count % 16 == 0 { server.checkLife() }
        }
    }

    private static let body = #"{"prompt": "a"}"#
    private static let requests = [
        "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /v1/models HTTP/1.1\r\nHost: a\r\nX-Request-Id: r-1\r\nConnection: close\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n" + body,
        "POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\n{\"pro\r\na\r\nmpt\": \"x\"}\r\n0\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 15\r\n\r\n"
            + body,
        "GET /version HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.0\r\n\r\nOPTIONS /x HTTP/1.1\r\n"
            + "Host: a\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 48\r\n\r\n"
            + #"{"prompt": "a", "max_tokens": 2, "stream": true}"#
            + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    private static let words = [
        "GET ", "POST ", "HEAD ", "OPTIONS ", "DELETE ", "CONNECT ", "PRI * HTTP/2.0\r\n\r\n",
        "/health", "/tokenize", "/v1/models/%00", "/v1/completions", "/?a#b", "http://a/", "*",
        " HTTP/1.1", " HTTP/1.0", " HTTP/0.9", "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":",
        "Host: a\r\n", "Host:\r\n", "Content-Length: 15\r\n", "Content-Length: 0\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999\r\n", "Connection: close\r\n",
        "Connection: keep-alive\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n",
        "Expect: 100-continue\r\n",
        "Authorization: Bearer x\r\n", "X-Request-Id: a\u{0}b\r\n", body, "5\r\nabcde\r\n",
        "0\r\n\r\n", "0\r\nX: y\r\n\r\n", "ffffffffffffffff\r\n", "1;a=b\r\n", "\u{0}", "\u{FF}",
        "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
}
