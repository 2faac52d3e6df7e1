// A server with the bundled model behind it, as users have it, and what every answer of it must be
// whatever was sent.

import Glibc
import TernEngine
import TernPlanning
import TernServer
import TernTesting

/// A server of this process.
struct LiveServer {
    private let port: Int
    private let root: String

    /// Starts an engine and a server on threads of their own, for the life of the process.
    init(_ corpus: Corpus) throws {
        var configuration = EngineConfiguration(folder: corpus.root + "/Models/telemachus")
        configuration.maxModelLength = 128
        configuration.maxSequences = 8
        configuration.maxBatchedTokens = 64
        configuration.shift = .given(ShiftPolicy(.pinned(.tensor)))
        configuration.checksIntegrity = true
        let engine = try Engine(configuration, on: TinyEngine.hardware)
        var serving = ServerConfiguration(modelNames: ["telemachus"])
        serving.port = 0
        serving.limits.requestDeadline = .seconds(2)
        let server = try Server(serving)
        guard let port = server.port else { throw FuzzError("a server without a port") }
        self.port = port
        root = corpus.root
        spawn {
            do {
                try server.run(engine)
            } catch {
                preconditionFailure("the server ended: \(error)")
            }
        }
    }

    /// Sends bytes on a connection of their own, in pieces of some size, and checks what comes.
    func exchange(_ bytes: [UInt8], pieces: Int, patience: Duration) {
        guard let connection = try? Loopback.connection(to: port) else {
            preconditionFailure("the server takes no connection")
        }
        defer { close(connection) }
        var time = timeval(
            tv_sec: Int(patience.components.seconds),
            tv_usec: Int(patience.components.attoseconds / 1_000_000_000_000))
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.prefix(pieces).withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while received.count < 1 << 20 {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            received += chunk[..<count]
            if isWhole(received) { break }
        }
        check(received, sent: bytes)
    }

    /// The server's own life sign, with which a fault that broke it comes to light.
    func checkLife() {
        let answer = try? HTTPClient(port: port).get("/health")
        precondition(answer?.status == 200, "/health answered \(answer?.status ?? 0)")
    }

    /// Whether an answer has come to its end, as far as that is cheap to see.
    private func isWhole(_ received: [UInt8]) -> Bool {
        let end = Array("0\r\n\r\n".utf8)
        return received.suffix(5).elementsEqual(end) || received.last == UInt8(ascii: "}")
    }

    private func check(_ received: [UInt8], sent: [UInt8]) {
        guard !received.isEmpty else { return }
        let text = String(decoding: received, as: UTF8.self)
        precondition(
            text.hasPrefix("HTTP/1.1 ") || text.hasPrefix("HTTP/1.0 "),
            "an answer begins \(text.prefix(40))")
        let status = text.dropFirst(9).prefix(3)
        precondition(status != "500", "answered \(text)")
        // Neither places of this machine nor the error pages of the library below.
        for secret in [root, "/tmp/", "/proc/", ".swift", "<HTML>"] {
            guard text.contains(secret) else { continue }
            precondition(
                String(decoding: sent, as: UTF8.self).contains(secret), "told \(secret): \(text)")
        }
    }
}
