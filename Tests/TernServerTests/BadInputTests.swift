// Whatever clients send, they get an answer in OpenAI's shape, and the server goes on.

import TernJSON
import TernTesting
import Testing

@testable import TernServer

@Suite("Bad input")
struct BadInputTests {
    private static let kinds =
        BadInput.framing + BadInput.routing + BadInput.completionFields + BadInput.chatFields

    @Test("Each kind is refused by name, and the next request is answered", arguments: kinds)
    func refused(kind: BadInput) throws {
        try withServer { server, port in
            let client = try TestClient(port: port)
            client.send(kind.request)
            let answer = try client.answer()
            #expect(answer.status == kind.status)
            #expect(answer["content-type"] == "application/json")
            let error = answer.error
            #expect(error.object?.members.map(\.key) == ["message", "type", "param", "code"])
            #expect(error["type"] == "invalid_request_error")
            #expect(error["param"] == kind.parameter.map { .string($0) } ?? .null)
            let message = try #require(error["message"]?.string)
            #expect(message.hasPrefix(kind.names), "\(message)")
            #expect(message.utf8.count < 1000, "\(message.utf8.count) bytes")
            for secret in [Fixture.root, "/tmp", ".swift", "0x", ":\(port)", server.address] {
                #expect(!message.contains(secret), "\(message)")
            }
            #expect(try TestClient(port: port).get("/health").status == 200)
        }
    }

    @Test("There are more than a hundred kinds, no two the same")
    func count() {
        #expect(Self.kinds.count > 100)
        #expect(Set(Self.kinds.map(\.request)).count == Self.kinds.count)
    }

    @Test("A line that is wrong is answered when it ends, not when the head does")
    func earlyRefusal() throws {
        try withServer { _, port in
            for beginning in ["GET / HTTP/1.19999\r\n", "GET / HTTP/1.1\r\nno colon\r\n"] {
                let client = try TestClient(port: port)
                for byte in beginning.utf8 { client.send([byte]) }
                let answer = try client.answer()
                #expect(answer.error["type"] == "invalid_request_error")
                #expect(client.isClosed())
            }
        }
    }

    @Test("With a key, every route but the life sign and the page asks for it")
    func guardedRoutes() throws {
        let model = ServedModel(ScriptedGenerator(), names: ["test"])
        let configuration = {
            var configuration = ServerConfiguration(modelNames: ["test"])
            configuration.apiKey = "secret"
            return configuration
        }()
        let api = API(
            model: model, configuration: configuration, reader: try RequestReader()
        ) { _, _ in }
        let open = Set(api.router.routes.filter(\.isOpen).map(\.path))
        #expect(open == Set(["/health"] + Page.files.map(\.path)))
        #expect(api.router.key != nil)
    }
}
