// `GET /` and the files that it needs: a page to talk to the model and to see its ranks shift. The
// files stand beside this one and travel in the executable. They say nothing of this server, so
// they are open without the key; the page asks for it when the API does.

/// The files of the page.
enum Page {
    /// A file as it is served.
    struct File: Sendable {
        let path: String
        let type: String
        let body: [UInt8]
        /// Names the content, so that a browser that has it need not fetch it again.
        let tag: String

        init(_ path: String, _ type: String, _ body: [UInt8]) {
            self.path = path
            self.type = type
            self.body = body
            tag = Page.tag(of: body)
        }
    }

    /// A route for each file.
    static var routes: [Router.Route] { files.map(route) }

    /// The page first.
    static let files = [
        File("/", "text/html; charset=utf-8", PackageResources.index_html),
        File("/page.css", "text/css; charset=utf-8", PackageResources.page_css),
        File("/icon.svg", "image/svg+xml", PackageResources.icon_svg),
        File("/chat.js", "text/javascript; charset=utf-8", PackageResources.chat_js),
        File("/stream.js", "text/javascript; charset=utf-8", PackageResources.stream_js),
        File("/strip.js", "text/javascript; charset=utf-8", PackageResources.strip_js),
    ]

    /// Everything comes from this server, nothing is inline, and nobody frames it.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func route(_ file: File) -> Router.Route {
        let headers = [
            HTTPHeader("Content-Type", file.type), HTTPHeader("ETag", file.tag),
            HTTPHeader("Cache-Control", "no-cache"), HTTPHeader("Content-Security-Policy", policy),
            HTTPHeader("X-Content-Type-Options", "nosniff"),
            HTTPHeader("Referrer-Policy", "no-referrer"),
        ]
        return .init(method: "GET", path: file.path, isOpen: true) { request, exchange in
            let isKnown = request.head.values(of: "if-none-match").contains { names($0, file.tag) }
            exchange.respond(
                isKnown
                    ? HTTPResponse(status: .notModified, headers: headers)
                    : HTTPResponse(headers: headers, body: file.body))
        }
    }

    /// Whether a list of tags holds one, by weak comparison (RFC 9110, 13.1.2).
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { entry in
            let entry = entry.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            let text = String(entry)
            return text == "*" || text == tag || text == "W/" + tag
        }
    }

    /// The content's FNV-1a hash, 64 bits: it tells versions of a file apart, no more.
    private static func tag(of body: [UInt8]) -> String {
        let hash = body.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
        }
        return "\"" + String(hash, radix: 16) + "\""
    }
}
