// What clients send that is wrong, kind by kind: bytes that are no HTTP, requests that no route takes,
// bodies that no endpoint takes. Each with the status that it gets and the field that is named.

import TernJSON
import Testing

/// One kind of bad input.
struct BadInput: CustomTestStringConvertible, Sendable {
    /// What is wrong.
    let testDescription: String
    /// The bytes on the wire.
    let request: String
    /// The status of the answer.
    let status: Int
    /// What the message begins with: the field, or the part of HTTP.
    let names: String
    /// What `param` holds; nil for what is no field of a body.
    let parameter: String?

    /// Bytes that are wrong as HTTP.
    static func http(
        _ description: String, _ request: String, _ status: Int = 400, names: String
    ) -> BadInput {
        BadInput(
            testDescription: description, request: request, status: status, names: names,
            parameter: nil)
    }

    /// A body that is wrong as JSON, or no object.
    static func body(_ description: String, _ body: String) -> BadInput {
        BadInput(
            testDescription: description, request: post("/v1/completions", body), status: 400,
            names: "body: ", parameter: nil)
    }

    /// A field of a completion that is wrong.
    static func completion(
        _ fields: String, _ parameter: String, names: String? = nil
    ) -> BadInput {
        field("/v1/completions", #"{"prompt": "a", \#(fields)}"#, fields, parameter, names)
    }

    /// A field of a chat that is wrong.
    static func chat(_ fields: String, _ parameter: String, names: String? = nil) -> BadInput {
        field(
            "/v1/chat/completions",
            #"{"messages": [{"role": "user", "content": "a"}], \#(fields)}"#, fields, parameter,
            names)
    }

    private static func field(
        _ path: String, _ body: String, _ fields: String, _ parameter: String, _ names: String?
    ) -> BadInput {
        BadInput(
            testDescription: String(path + " " + fields.prefix(60)), request: post(path, body),
            status: 400, names: names ?? parameter, parameter: parameter)
    }

    /// The bytes of a request with a body.
    static func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

extension BadInput {
    /// Request lines, headers and framing.
    static let framing: [BadInput] = [
        .http("no HTTP at all", "\u{16}\u{3}\u{1}\r\n\r\n", names: "HTTP"),
        .http(
            "an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", names: "HTTP request"),
        .http("no version", "GET /health\r\n\r\n", names: "HTTP request line"),
        .http("two blanks", "GET  /health HTTP/1.1\r\nHost: a\r\n\r\n", names: "HTTP request line"),
        .http("a later version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, names: "HTTP version"),
        .http(
            "a huge version", "GET / HTTP/1.19223372036854775807\r\n", 505, names: "HTTP version"),
        .http("an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405, names: "HTTP method"),
        .http("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, names: "HTTP method"),
        .http("CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, names: "HTTP method"),
        .http("an address", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", names: "HTTP target"),
        .http(
            "a host in the path", "GET //b:1e9/ HTTP/1.1\r\nHost: a\r\n\r\n", names: "HTTP target"),
        .http(
            "a path beyond ASCII", "GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", names: "HTTP target"),
        .http("no Host", "GET / HTTP/1.1\r\n\r\n", names: "HTTP header Host"),
        .http(
            "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", names: "HTTP header Host"),
        .http("a header without a colon", "GET / HTTP/1.1\r\nHost\r\n", names: "HTTP header"),
        .http("a blank in a name", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", names: "HTTP header"),
        .http("a folded header", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", names: "HTTP header"),
        .http("NUL in a header", "GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", names: "HTTP header"),
        .http("CR in a header", "GET / HTTP/1.1\r\nHost: a\rb\r\n", names: "HTTP header"),
        .http("lines that end in LF", "GET / HTTP/1.1\nHost: a\n\n", names: "HTTP header"),
        .http(
            "101 headers",
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n",
            431,
            names: "HTTP headers"),
        .http(
            "a header of 70 kB", "GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 70_000),
            431,
            names: "HTTP headers"),
        .http("two lengths", post("Content-Length: 1\r\nContent-Length: 1"), names: "HTTP framing"),
        .http(
            "a length and chunks", post("Content-Length: 1\r\nTransfer-Encoding: chunked"),
            names: "HTTP framing"),
        .http(
            "a sign in the length", post("Content-Length: +1"), names: "HTTP header Content-Length"),
        .http(
            "a blank in the length", post("Content-Length: 1 1"),
            names: "HTTP header Content-Length"),
        .http(
            "a length in words", post("Content-Length: one"), names: "HTTP header Content-Length"),
        .http("a length of 40 MB", post("Content-Length: 40000000"), 413, names: "HTTP body"),
        .http(
            "a length beyond 64 bits", post("Content-Length: 99999999999999999999"), 413,
            names: "HTTP body"),
        .http(
            "another coding", post("Transfer-Encoding: gzip"),
            names: "HTTP header Transfer-Encoding"),
        .http(
            "a tab before a coding", post("Transfer-Encoding:\tchunked"),
            names: "HTTP header Transfer-Encoding"),
        .http(
            "a tab before an expectation", post("Expect: \t100-continue\r\nContent-Length: 1"),
            names: "HTTP header Expect"),
        .http("an expectation", post("Expect: the-best"), 417, names: "HTTP header Expect"),
        .http(
            "a body on GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
            names: "HTTP body"),
        .http("a signed chunk size", chunked("+1\r\na\r\n"), names: "HTTP chunk"),
        .http("a chunk extension", chunked("1;a=b\r\na\r\n"), names: "HTTP chunk"),
        .http("a chunk that is longer than it says", chunked("1\r\nab\r\n"), names: "HTTP chunk"),
        .http("a trailer", chunked("0\r\nX: y\r\n\r\n"), names: "HTTP chunk"),
        .http("a chunk of 4 GiB", chunked("ffffffff\r\n"), 413, names: "HTTP body"),
    ]

    /// Routes, and bodies that are not what a route takes.
    static let routing: [BadInput] = [
        .http("an unknown path", "GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n", 404, names: "path"),
        .http(
            "a path upwards", "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404, names: "path"),
        .http(
            "a wrong method", "GET /v1/completions HTTP/1.1\r\nHost: a\r\n\r\n", 405,
            names: "method"),
        .http("DELETE", "DELETE /health HTTP/1.1\r\nHost: a\r\n\r\n", 405, names: "method"),
        BadInput(
            testDescription: "a model that is not served",
            request: post("/v1/completions", #"{"prompt": "a", "model": "x"}"#), status: 404,
            names: "The model", parameter: "model"),
        .body("no body", ""), .body("no JSON", "prompt=a"), .body("a list", "[]"),
        .body("a number", "7"), .body("JSON that ends early", #"{"prompt": "a""#),
        .body("two values", #"{"prompt": "a"} {}"#),
        .body("a comma too many", #"{"prompt": "a",}"#),
        .body("half a surrogate", #"{"prompt": "\ud800"}"#),
        .body("a control character", "{\"prompt\": \"\u{1}\"}"),
        .body("a number beyond all doubles", #"{"prompt": "a", "seed": 1e999}"#),
        .body("10,000 levels", String(repeating: "[", count: 10_000)),
        .body(
            "300 fields",
            "{" + (0..<300).map { "\"f\($0)\": 0" }.joined(separator: ",") + "}"),
    ]

    private static func post(_ headers: String) -> String {
        "POST /tokenize HTTP/1.1\r\nHost: a\r\n\(headers)\r\n\r\na"
    }

    private static func chunked(_ body: String) -> String {
        "POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    }
}
