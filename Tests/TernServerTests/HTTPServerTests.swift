import Glibc
import TernJSON
import Testing

@testable import TernServer

@Suite("The HTTP layer, over a socket")
struct HTTPServerTests {
    @Test("Requests follow each other on one connection, also when sent at once")
    func keepAlive() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            for _ in 0..<3 { #expect(try client.get("/health").status == 200) }
            client.send(
                String(repeating: "GET /version HTTP/1.1\r\nHost: a\r\n\r\n", count: 3))
            client.sendPost("/tokenize", #"{"prompt": "a"}"#)
            client.sendPost("/tokenize", #"{"prompt": "b"}"#)
            for _ in 0..<3 { #expect(try client.answer().json["version"] == "0.1.0") }
            #expect(try client.answer().json["tokens"] == [256, 97])
            #expect(try client.answer().json["tokens"] == [256, 98])
        }
    }

    @Test("A request that is sent byte by byte is read, with a chunked body too")
    func slowSender() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let text =
                "POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\n{\"pro\r\n9\r\nmpt\":\"x\"}\r\n0\r\n\r\n"
            for byte in text.utf8 { client.send([byte]) }
            #expect(try client.answer().json["tokens"] == [256, 120])
        }
    }

    @Test("Every answer has a date, a type and the request's id")
    func headers() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let named = try client.get("/health", headers: "X-Request-Id: mine-1\r\n")
            #expect(named["x-request-id"] == "mine-1")
            #expect(named["date"]?.hasSuffix("GMT") == true)
            #expect(named["content-type"] == "application/json")
            let other = try client.get("/nowhere", headers: "X-Request-Id: no good\r\n")
            #expect(other["x-request-id"]?.utf8.count == 24)
        }
    }

    @Test("HEAD, OPTIONS, unknown paths and wrong methods are answered by the book")
    func methods() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            client.send("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try client.answer(toHead: true)
            #expect(head.status == 200 && head["content-length"] == "15")
            // A body after it would be read as the beginning of the next answer.
            client.send("HEAD /version HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.take(through: "\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(try client.take(through: "\r\n\r\n").contains("Content-Length: 19"))
            client.send("OPTIONS /v1/completions HTTP/1.1\r\nHost: a\r\n\r\n")
            let options = try client.answer()
            #expect(options.status == 204 && options["allow"] == "POST, OPTIONS")
            let wrong = try client.get("/v1/completions")
            #expect(wrong.status == 405 && wrong["allow"] == "POST, OPTIONS")
            client.send("DELETE /health HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer()["allow"] == "HEAD, GET, OPTIONS")
            #expect(try client.get("/v2").error["type"] == "invalid_request_error")
        }
    }

    @Test("A refused head is answered in JSON, and the connection closes")
    func framing() throws {
        try withServer { _, port in
            let heads: [(String, Int)] = [
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", 400),
                ("POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
                (
                    "POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                        + "Content-Length: 2\r\n\r\nab", 400
                ),
                (
                    "POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 40000000\r\n\r\n"
                        + String(repeating: " ", count: 200_000), 413
                ),
                ("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 70_000), 431),
            ]
            for (text, status) in heads {
                let client = try TestClient(port: port)
                client.send(text)
                let answer = try client.answer()
                #expect(answer.status == status)
                #expect(answer.error["type"] == "invalid_request_error")
                #expect(answer["connection"] == "close")
                #expect(answer["x-request-id"]?.utf8.count == 24)
                #expect(client.isClosed())
            }
            let chunked = try TestClient(port: port)
            chunked.send(
                "POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+f\r\n")
            #expect(try chunked.answer().status == 400)
            #expect(chunked.isClosed())
            // A refused head in the middle of a connection does not reach a handler either.
            let client = try TestClient(port: port)
            client.send(
                "GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\n\r\n"
                    + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.answer().status == 200)
            #expect(try client.answer().status == 400)
            #expect(client.isClosed())
        }
    }

    @Test("A chunked body beyond the bound is refused while it is sent")
    func longChunkedBody() throws {
        try withServer(configure: { $0.limits.bodyBytes = 10_000 }) { _, port in
            let client = try TestClient(port: port)
            client.send("POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<20 {
                client.send("400\r\n" + String(repeating: "a", count: 1024) + "\r\n")
            }
            #expect(try client.answer().status == 413)
        }
    }

    @Test("A client that asks first is told to continue")
    func expectation() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            client.send(
                "POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n"
                    + "Expect: 100-continue\r\n\r\n")
            #expect(try client.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send(#"{"prompt": "a"}"#)
            #expect(try client.answer().json["count"] == 2)
        }
    }

    @Test("A request that does not become complete in time is ended with 408")
    func deadline() throws {
        try withServer(configure: { $0.limits.requestDeadline = .milliseconds(100) }) { _, port in
            let inHead = try TestClient(port: port)
            inHead.send("GET /health HTTP/1.1\r\nHo")
            #expect(try inHead.answer().status == 408)
            let inBody = try TestClient(port: port)
            inBody.send("POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{")
            #expect(try inBody.answer().status == 408)
            #expect(inBody.isClosed())
        }
    }

    @Test("A connection without requests is closed after a while, one beyond the cap with 503")
    func idle() throws {
        try withServer(configure: {
            $0.limits.idleTimeout = .milliseconds(200)
            $0.limits.connections = 1
        }) { _, port in
            let silent = try TestClient(port: port)
            let second = try TestClient(port: port)
            let answer = try second.answer()
            #expect(answer.status == 503 && answer.error["type"] == "server_error")
            #expect(silent.isClosed())
        }
    }

    @Test("HTTP/1.0 gets a stream without chunks, and its end by the connection's")
    func oldVersion() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let body = #"{"prompt": "hi", "stream": true}"#
            client.send(
                "POST /v1/completions HTTP/1.0\r\nConnection: keep-alive\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let answer = try client.answer()
            #expect(answer.status == 200 && answer["transfer-encoding"] == nil)
            #expect(answer.text.hasSuffix("data: [DONE]\n\n"))
            #expect(answer.events.count == 3)
        }
    }

    @Test("A socket in the file system serves as well, and its file goes with the server")
    func unixSocket() throws {
        let path = "/tmp/tern-test-\(RandomName.make())"
        try withServer(configure: { $0.unixSocketPath = path }) { server, _ in
            #expect(server.address == "unix:\(path)" && server.port == nil)
            let configuration = {
                var configuration = ServerConfiguration(modelNames: [])
                configuration.unixSocketPath = path
                return configuration
            }()
            #expect(throws: ServerError.self) {
                try Server(configuration)
            }
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("A socket's file lets the user and the group in, whatever the umask")
    func unixSocketPermissions() throws {
        let path = "/tmp/tern-test-\(RandomName.make())"
        try withServer(configure: { $0.unixSocketPath = path }) { _, _ in
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode == S_IFSOCK | 0o660)
        }
    }

    @Test("A socket that a dead server left is replaced, a file that is no socket is not")
    func leftSocket() throws {
        let path = "/tmp/tern-test-\(RandomName.make())"
        close(try ListeningSocket(path: path).descriptor)
        #expect(access(path, F_OK) == 0)
        try withServer(configure: { $0.unixSocketPath = path }) { _, _ in
            #expect(access(path, F_OK) == 0)
        }
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        defer { unlink(path) }
        #expect("in use") {
            try ListeningSocket(path: path)
        } throws: {
            "\($0)" == "listen at \(path): Address already in use"
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test("A port that is taken is said at once")
    func takenPort() throws {
        try withServer { _, port in
            var configuration = ServerConfiguration(modelNames: [])
            configuration.port = port
            #expect("in use") {
                try Server(configuration)
            } throws: {
                "\($0)" == "listen at 127.0.0.1:\(port): Address already in use"
            }
        }
    }
}
