// A client on a raw socket, so that tests say exactly which bytes are sent and see exactly which
// bytes come.

import Glibc
import TernJSON
import TernTesting

@testable import TernServer

/// What a server answered.
struct Answer {
    var status = 0
    var headers: [HTTPHeader] = []
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { (try? JSON(parsing: body)) ?? .null }
    var error: JSON { json["error"] ?? .null }

    subscript(header: String) -> String? {
        headers.first { $0.name.lowercased() == header.lowercased() }?.value
    }

    /// The values of a stream of events, without the mark of the end.
    var events: [JSON] {
        text.split(separator: "\n\n").compactMap {
            $0.hasPrefix("data: {") ? try? JSON(parsing: String($0.dropFirst(6))) : nil
        }
    }
}

/// A connection to a server under test.
final class TestClient {
    let descriptor: Int32
    private var received: [UInt8] = []

    init(port: Int) throws { descriptor = try Loopback.connection(to: port) }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Ends this side of the connection, as a client that leaves does.
    func leave() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func get(_ path: String, headers: String = "") throws -> Answer {
        send("GET \(path) HTTP/1.1\r\nHost: test\r\n\(headers)\r\n")
        return try answer()
    }

    func sendPost(_ path: String, _ body: String, headers: String = "") {
        send(
            "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n"
                + "\(headers)\r\n\(body)")
    }

    func post(_ path: String, _ body: String, headers: String = "") throws -> Answer {
        sendPost(path, body, headers: headers)
        return try answer()
    }

    /// Whether the server has closed the connection; whatever it still sends is dropped.
    func isClosed() -> Bool {
        received = []
        while more() { received = [] }
        return errno != EAGAIN
    }

    /// Reads one answer to its end.
    func answer(toHead isHead: Bool = false) throws -> Answer {
        var answer = Answer()
        let lines = try take(through: "\r\n\r\n").split(separator: "\r\n")
        let status = lines.first?.split(separator: " ").dropFirst().first
        answer.status = status.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.headers.append(
                HTTPHeader(String(parts[0]), String(parts[1].drop { $0 == " " })))
        }
        if isHead { return answer }
        if answer["Transfer-Encoding"] == "chunked" {
            while let count = Int(try take(through: "\r\n").dropLast(1), radix: 16) {
                answer.body += try take(count)
                _ = try take(2)
                if count == 0 { break }
            }
        } else if let length = answer["Content-Length"].flatMap({ Int($0) }) {
            answer.body = try take(length)
        } else if answer.status != 204 {
            while more() {}
            answer.body = received
        }
        return answer
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard more() else { throw ServerError("test client: the answer ends early") }
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Reads through a mark.
    func take(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        while true {
            if let end = received.indices.first(where: { received[$0...].starts(with: mark) }) {
                return String(decoding: try take(end + mark.count), as: UTF8.self)
            }
            guard more() else { throw ServerError("test client: the answer ends early") }
        }
    }

    private func more() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        errno = 0
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        return count > 0
    }
}

/// Runs a server around a body, and waits until it has ended.
func withServer(
    _ generator: any Generator = ScriptedGenerator(),
    configure: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (Server, Int) throws -> Void
) throws {
    var configuration = ServerConfiguration(modelNames: ["test", "alias/one"])
    configuration.port = 0
    configure(&configuration)
    let server = try Server(configuration)
    let thread = spawn {
        do {
            try server.run(generator: generator)
        } catch {
            preconditionFailure("the server under test failed: \(error)")
        }
    }
    defer {
        server.stop()
        server.stop()
        pthread_join(thread, nil)
    }
    try body(server, server.port ?? 0)
}

/// Waits, for a bounded time, until something becomes true.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<2000 {
        if condition() { return true }
        usleep(5000)
    }
    return false
}
