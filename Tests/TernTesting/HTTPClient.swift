// A small HTTP client for tests against a running server: one connection per request, read to its
// end. TernServer's own tests speak raw bytes instead.

import Glibc
import TernJSON

/// What a server answered.
public struct HTTPAnswer: Sendable {
    /// The status code; 0 where no answer came.
    public let status: Int
    /// The body, its chunks joined.
    public let body: String

    /// The body as JSON; null where it is none.
    public var json: JSON { (try? JSON(parsing: body)) ?? .null }

    /// The values of a stream of events, without the mark of its end.
    public var events: [JSON] {
        body.split(separator: "\n\n").compactMap { event in
            event.hasPrefix("data: {") ? try? JSON(parsing: String(event.dropFirst(6))) : nil
        }
    }
}

/// Requests to a port of this machine.
public struct HTTPClient: Sendable {
    private let port: Int

    /// A client of a server on the loopback address.
    public init(port: Int) { self.port = port }

    /// Fetches a path.
    public func get(_ path: String) throws -> HTTPAnswer {
        try exchange("GET \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    }

    /// Posts a JSON body.
    public func post(_ path: String, _ body: JSON) throws -> HTTPAnswer {
        try exchange(Self.post(path, body))
    }

    /// Posts JSON bodies, each on a connection of its own, all before the first answer is read.
    public func postAll(_ path: String, _ bodies: [JSON]) throws -> [HTTPAnswer] {
        let connections = try bodies.map { body in
            let connection = try Loopback.connection(to: port)
            Self.send(Self.post(path, body), on: connection)
            return connection
        }
        return connections.map { connection in
            defer { close(connection) }
            return Self.parse(Self.receive(on: connection))
        }
    }

    private static func post(_ path: String, _ body: JSON) -> String {
        let text = body.text()
        return "POST \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
            + text
    }

    private func exchange(_ request: String) throws -> HTTPAnswer {
        let connection = try Loopback.connection(to: port)
        defer { close(connection) }
        Self.send(request, on: connection)
        return Self.parse(Self.receive(on: connection))
    }

    private static func send(_ request: String, on connection: Int32) {
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
    }

    private static func receive(on connection: Int32) -> [UInt8] {
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return received }
            received += chunk[..<count]
        }
    }

    private static func parse(_ bytes: [UInt8]) -> HTTPAnswer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else {
            return HTTPAnswer(status: 0, body: text)
        }
        let head = text[..<end.lowerBound]
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let body = Array(text[end.upperBound...].utf8)
        let isChunked = head.lowercased().contains("transfer-encoding: chunked")
        return HTTPAnswer(
            status: status, body: String(decoding: isChunked ? joined(body) : body, as: UTF8.self))
    }

    /// The chunks of a body, without their sizes.
    private static func joined(_ body: [UInt8]) -> [UInt8] {
        var rest = body[...]
        var joined: [UInt8] = []
        while let line = rest.firstIndex(of: UInt8(ascii: "\r")) {
            let digits = String(decoding: rest[..<line], as: UTF8.self)
            guard let count = Int(digits, radix: 16), count > 0 else { break }
            rest = rest[(line + 2)...]
            joined += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return joined
    }
}

/// Connections to this machine.
public enum Loopback {
    /// A connected socket, which the caller closes; reads from it wait a minute at most.
    public static func connection(to port: Int) throws -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(connection)
            throw Fixture.Missing(path: "a server on port \(port)")
        }
        return connection
    }
}
