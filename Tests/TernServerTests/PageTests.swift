import TernJSON
import Testing

@testable import TernServer

@Suite("The page and its steps, over a socket")
struct PageTests {
    private static let paths = Page.files.map(\.path)

    @Test("The page and all that it names are served, also without the key, and within bounds")
    func files() throws {
        try withServer(configure: { $0.apiKey = "sesame" }) { _, port in
            let client = try TestClient(port: port)
            let page = try client.get("/")
            #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8")
            #expect(page.text.hasPrefix("<!doctype html>"))
            var bytes = 0
            for path in Self.paths {
                let file = try client.get(path)
                #expect(file.status == 200 && !file.body.isEmpty)
                #expect(path == "/" || page.text.contains(path.dropFirst()) || path.hasSuffix("js"))
                bytes += file.body.count
            }
            #expect(bytes < 64 * 1024)
            #expect(try client.get("/steps").status == 401)
            #expect(try client.get("/v1/models").status == 401)
        }
    }

    @Test("Nothing but this server's own files may run, and nothing is inline")
    func policy() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            for path in Self.paths {
                let file = try client.get(path)
                let policy = file["content-security-policy"] ?? ""
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self'"))
                #expect(policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains("unsafe"))
                #expect(file["x-content-type-options"] == "nosniff")
                for word in ["style=", "onclick=\"", "<style", "innerHTML", "http://", "https://"] {
                    let isName = path == "/icon.svg" && word == "http://"
                    #expect(isName || !file.text.contains(word), "\(path) has \(word)")
                }
            }
        }
    }

    @Test("A browser that has the page is told so, HEAD has no body, and POST is refused")
    func conditions() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let page = try client.get("/")
            let tag = try #require(page["etag"])
            for known in [tag, "W/\(tag)", "\"other\" , \(tag)", "*"] {
                client.send("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \(known)\r\n\r\n")
                let answer = try client.answer(toHead: true)
                #expect(answer.status == 304 && answer["etag"] == tag)
            }
            #expect(try client.get("/", headers: "If-None-Match: \"other\"\r\n").status == 200)
            client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try client.answer(toHead: true)
            #expect(head.status == 200 && head["content-length"] == "\(page.body.count)")
            #expect(try client.post("/", "{}")["allow"] == "HEAD, GET, OPTIONS")
            #expect(Set(Page.files.map(\.tag)).count == Page.files.count)
        }
    }

    @Test("Steps are told from where the watcher is, with the threshold")
    func steps() throws {
        try withServer { _, port in
            let client = try TestClient(port: port)
            let all = try client.get("/steps")
            #expect(all["cache-control"] == "no-store")
            #expect(all.json["last"] == 3 && all.json["threshold"] == 8)
            #expect(all.json["steps"]?.array?.count == 3)
            let new = try client.get("/steps?after=1").json
            #expect(
                new["steps"]?.array?.first == [
                    "number": 2, "mode": "sequence", "tokens": 900, "sequences": 4, "end": 20.0,
                    "duration": 1.5,
                ])
            #expect(try client.get("/steps?after=3").json["steps"] == [])
            for wrong in ["-1", "x", "", "99999999999999999999"] {
                let answer = try client.get("/steps?after=\(wrong)")
                #expect(answer.status == 400 && answer.error["param"] == "after")
            }
        }
    }
}
