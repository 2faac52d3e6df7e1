// Fetches a page of metrics over HTTP, with a socket and nothing else: one request, one connection.

import Glibc

/// A server whose metrics are asked for.
struct MetricsClient {
    /// The server as a person names it.
    let url: String
    private let host: String
    private let port: String
    private let key: String?

    /// The most bytes of an answer that are believed.
    private static let limitBytes = 16 << 20
    private static let patience = timeval(tv_sec: 5, tv_usec: 0)

    /// Of a server at `http://HOST:PORT`, or HOST:PORT; the path may be left out.
    ///
    /// Throws: `UsageError` for other addresses.
    init(_ url: String, key: String?) throws(UsageError) {
        self.url = url
        self.key = key
        let scheme = "http://"
        guard !url.contains("://") || url.hasPrefix(scheme) else {
            throw UsageError("\(url): expected http://HOST:PORT")
        }
        let rest = url.hasPrefix(scheme) ? url.dropFirst(scheme.count) : url[...]
        let place = rest.prefix { $0 != "/" }
        // The last colon is the port's, unless it stands inside an IPv6 address.
        let colon = place.lastIndex(of: ":").flatMap { place[$0...].contains("]") ? nil : $0 }
        let name = place[..<(colon ?? place.endIndex)]
        port = colon.map { String(place[place.index(after: $0)...]) } ?? "80"
        host =
            name.hasPrefix("[") && name.hasSuffix("]")
            ? String(name.dropFirst().dropLast()) : String(name)
        guard !host.isEmpty, UInt16(port) != nil else {
            throw UsageError("\(url): expected http://HOST:PORT")
        }
    }

    /// The text of the page.
    ///
    /// Throws: `UsageError` where there is no server, or it answers otherwise than with metrics.
    func fetch() throws(UsageError) -> String {
        let connection = try connect()
        defer { close(connection) }
        let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        try send(
            "GET /metrics HTTP/1.0\r\nHost: \(host)\r\n\(authorization)\r\n", on: connection)
        let answer = String(decoding: try receive(on: connection), as: UTF8.self)
        guard let end = answer.firstRange(of: "\r\n\r\n") else {
            throw UsageError("\(url): the answer is not HTTP")
        }
        let status = answer.prefix { $0 != "\r\n" }.split(separator: " ").dropFirst().first
        guard status == "200" else {
            throw UsageError("\(url): /metrics answered \(status ?? "nothing"), expected 200")
        }
        return String(answer[end.upperBound...])
    }

    private func connect() throws(UsageError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { throw UsageError("\(url): \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(list) }
        var next = list
        while let address = next?.pointee {
            let kind = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
            let connection = socket(address.ai_family, kind, address.ai_protocol)
            if connection >= 0 {
                var patience = Self.patience
                let size = socklen_t(MemoryLayout<timeval>.size)
                setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
                setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
                if Glibc.connect(connection, address.ai_addr, address.ai_addrlen) == 0 {
                    return connection
                }
                close(connection)
            }
            next = address.ai_next
        }
        throw UsageError("\(url): \(String(cString: strerror(errno)))")
    }

    private func send(_ text: String, on connection: Int32) throws(UsageError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw UsageError("\(url): \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    private func receive(on connection: Int32) throws(UsageError) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while answer.count <= Self.limitBytes {
            let count = recv(connection, &chunk, chunk.count, 0)
            if count == 0 { return answer }
            guard count > 0 else { throw UsageError("\(url): \(String(cString: strerror(errno)))") }
            answer += chunk[..<count]
        }
        throw UsageError("\(url): the answer has more than \(Self.limitBytes) bytes")
    }
}
