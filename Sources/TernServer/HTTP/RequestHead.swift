// Request line and headers, read strictly. evhttp reads the same bytes leniently (it cuts lines at
// NUL, takes a sign in Content-Length, joins folded lines), and whoever reads leniently behind a
// proxy lets requests be smuggled past it. So every head passes here first, and what evhttp could
// read in two ways is refused. The body's framing is checked, its bytes are evhttp's.
//
// Source: RFC 9112 (HTTP/1.1), sections 2 to 6; RFC 9110, sections 5 and 10.1.1.

/// The request line and the headers of a request.
struct RequestHead: Sendable, Equatable {
    /// GET, POST, …, in capitals.
    let method: String
    /// The target as it was sent, percent signs and query included.
    let target: String
    /// 0 or 1, of HTTP/1.x.
    let minorVersion: Int
    /// Header lines in order; values without blanks around them.
    let headers: [HTTPHeader]

    /// The methods that reach the router; all others are refused at once.
    static let methods = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"]

    /// Whether the body comes in chunks.
    var isChunked: Bool { !values(of: "transfer-encoding").isEmpty }

    /// The value of a header that stands once; its name is given in small letters.
    subscript(name: String) -> String? {
        let values = values(of: name)
        return values.count == 1 ? values[0] : nil
    }

    /// All values of a header; its name is given in small letters.
    func values(of name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

extension RequestHead {
    /// Reads a head up to and with its empty line.
    ///
    /// Throws: `APIError` with the status to answer with.
    init(parsing bytes: some Collection<UInt8>, limits: HTTPLimits) throws(APIError) {
        try self.init(lines: bytes, limits: limits)
        let hosts = values(of: "host")
        guard hosts.count == 1 || (hosts.isEmpty && minorVersion == 0) else {
            throw APIError(
                .badRequest, "HTTP header Host: found \(hosts.count) times, expected once")
        }
        try checkFraming(limits: limits)
    }

    /// Checks the lines that have come of a head, each whole. evhttp reads line by line, and answers
    /// one that it cannot read with a page of its own; so none may reach it unchecked.
    ///
    /// Throws: `APIError` where no further line can make it right.
    static func check(beginning bytes: some Collection<UInt8>, limits: HTTPLimits) throws(APIError)
    {
        _ = try RequestHead(lines: bytes, limits: limits)
    }

    /// Reads a request line, and what header lines there are, each by itself.
    private init(lines bytes: some Collection<UInt8>, limits: HTTPLimits) throws(APIError) {
        let lines = try RequestHead.lines(of: Array(bytes))
        guard let requestLine = lines.first else {
            throw APIError(.badRequest, "HTTP request: no request line")
        }
        let words = requestLine.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].utf8.first != nil else {
            throw APIError(
                .badRequest, "HTTP request line: expected method, target and version")
        }
        switch words[2] {
        case "HTTP/1.1": minorVersion = 1
        case "HTTP/1.0": minorVersion = 0
        default:
            throw APIError(.versionNotSupported, "HTTP version: expected HTTP/1.1 or HTTP/1.0")
        }
        method = String(words[0])
        target = String(words[1])
        headers = try RequestHead.headers(of: lines.dropFirst(), limits: limits)
        guard RequestHead.methods.contains(method) else {
            throw APIError(
                .methodNotAllowed,
                "HTTP method: expected one of "
                    + RequestHead.methods.joined(separator: ", "))
        }
        try checkTarget()
    }

    /// The lines before the empty one. Each must end in CRLF and hold no control character.
    private static func lines(of bytes: [UInt8]) throws(APIError) -> [String] {
        var lines: [String] = []
        var start = 0
        while let end = bytes[start...].firstIndex(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
        {
            guard bytes[end] == 0x0D, end + 1 < bytes.count, bytes[end + 1] == 0x0A else {
                throw APIError(
                    .badRequest,
                    "HTTP header: byte \(end) is a control character or a line end without CRLF")
            }
            if end > start {
                lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
            } else if end + 2 != bytes.count {
                throw APIError(.badRequest, "HTTP request: an empty line before the request line")
            }
            start = end + 2
        }
        return lines
    }

    private static func headers(
        of lines: ArraySlice<String>, limits: HTTPLimits
    ) throws(APIError) -> [HTTPHeader] {
        guard lines.count <= limits.headerLines else {
            throw APIError(
                .headersTooLarge,
                "HTTP headers: found \(lines.count), at most \(limits.headerLines) are allowed")
        }
        var headers: [HTTPHeader] = []
        for line in lines {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")),
                colon > line.utf8.startIndex, line.utf8[..<colon].allSatisfy(\.isTokenByte)
            else { throw APIError(.badRequest, "HTTP header: expected a name, then a colon") }
            let name = String(line[..<colon])
            let rest = line.utf8[line.utf8.index(after: colon)...].drop { $0 == 0x20 }
            // Blanks may stand there, but evhttp takes a tab for the value's beginning: what is read
            // as chunked here would have no body there.
            guard rest.first != 0x09 else {
                throw APIError(
                    .badRequest,
                    "HTTP header \(name): found a tab before the value, expected spaces")
            }
            headers.append(HTTPHeader(name, String(Substring(rest.trimmingLastBlanks))))
        }
        return headers
    }

    /// A path on this server. Two slashes would begin an address (RFC 3986, 4.2), in which evhttp
    /// looks for a host.
    private func checkTarget() throws(APIError) {
        let isPath = target.utf8.first == UInt8(ascii: "/") && !target.hasPrefix("//")
        guard isPath || (target == "*" && method == "OPTIONS") else {
            throw APIError(.badRequest, "HTTP target: expected a path that begins with one /")
        }
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw APIError(
                .badRequest, "HTTP target: found a byte beyond ASCII; expected percent-encoding")
        }
    }

    /// One way to know where the body ends, or none where the method has no body.
    private func checkFraming(limits: HTTPLimits) throws(APIError) {
        let lengths = values(of: "content-length")
        let codings = values(of: "transfer-encoding")
        guard lengths.count + codings.count <= 1 else {
            throw APIError(
                .badRequest,
                "HTTP framing: expected one Content-Length or one Transfer-Encoding, "
                    + "found \(lengths.count) and \(codings.count)")
        }
        if let coding = codings.first {
            guard coding.lowercased() == "chunked", minorVersion == 1 else {
                throw APIError(.badRequest, "HTTP header Transfer-Encoding: expected chunked")
            }
        }
        var length = 0
        if let text = lengths.first {
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !text.isEmpty else {
                throw APIError(.badRequest, "HTTP header Content-Length: expected digits alone")
            }
            length = Int(text) ?? Int.max
        }
        guard length <= limits.bodyBytes else { throw .bodyTooLarge(limits.bodyBytes) }
        guard ["POST", "PUT", "PATCH"].contains(method) || (length == 0 && codings.isEmpty) else {
            throw APIError(.badRequest, "HTTP body: \(method) takes none")
        }
        let expectations = values(of: "expect")
        guard expectations.allSatisfy({ $0.lowercased() == "100-continue" }) else {
            throw APIError(.expectationFailed, "HTTP header Expect: expected 100-continue")
        }
    }
}

extension UInt8 {
    /// Whether the byte may stand in a header's name (RFC 9110: tchar).
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}

extension Substring.UTF8View {
    fileprivate var trimmingLastBlanks: Substring.UTF8View {
        var view = self
        while let last = view.last, last == 0x20 || last == 0x09 { view = view.dropLast() }
        return view
    }
}
