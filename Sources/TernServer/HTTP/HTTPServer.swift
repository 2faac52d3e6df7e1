// libevent's evhttp behind a small Swift interface: sockets go in, whole and checked requests come
// out, each with the exchange that takes the reply. One thread runs it all. Routes, JSON and the
// engine are unknown here.
//
// evhttp tells of connections only when a request is complete. To bound clients before that, the
// server makes each connection's buffers itself (bevcb) and, once evhttp has built its connection
// around them, adopts it. An event that fires before the loop looks for input makes sure of that.

import CLibevent
import Glibc

/// The HTTP server on an event loop. Thread: the loop's.
final class HTTPServer {
    /// What is done with a request.
    typealias Handler = (HTTPRequest, HTTPExchange) -> Void
    /// Hears of a request that was refused before a handler saw it: the id that the client was told,
    /// and why.
    typealias RefusalHandler = (_ requestID: String, APIError) -> Void

    /// Called when a connection closes or falls idle, while the server is stopping.
    var onQuiet: (() -> Void)?

    private let loop: EventLoop
    private let limits: HTTPLimits
    private let handler: Handler
    private let refused: RefusalHandler
    private let server: OpaquePointer
    private var listening: OpaquePointer?
    private var connections: [OpaquePointer: HTTPConnection] = [:]
    /// Buffers whose connection evhttp is still building.
    private var newcomers: [OpaquePointer] = []
    private var adoption: LoopEvent?
    private var stops = false

    init(
        loop: EventLoop, limits: HTTPLimits, refused: @escaping RefusalHandler = { _, _ in },
        handler: @escaping Handler
    ) throws(ServerError) {
        guard let server = evhttp_new(loop.base) else {
            throw ServerError("HTTP server: libevent could not make one")
        }
        self.loop = loop
        self.limits = limits
        self.handler = handler
        self.refused = refused
        self.server = server
        adoption = try LoopEvent(timerOn: loop) { [unowned self] in adoptNewcomers() }
        configure()
    }

    deinit { evhttp_free(server) }

    private func configure() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        evhttp_set_max_headers_size(server, limits.headBytes + 1024)
        evhttp_set_max_body_size(server, limits.bodyBytes)
        evhttp_set_default_content_type(server, nil)
        evhttp_set_allowed_methods(
            server,
            UInt16(
                EVHTTP_REQ_GET.rawValue | EVHTTP_REQ_HEAD.rawValue | EVHTTP_REQ_POST.rawValue
                    | EVHTTP_REQ_OPTIONS.rawValue | EVHTTP_REQ_PUT.rawValue
                    | EVHTTP_REQ_DELETE.rawValue | EVHTTP_REQ_PATCH.rawValue))
        evhttp_set_bevcb(
            server,
            { _, context in
                guard let context else { return nil }
                return Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
                    .makeBuffers()
            }, context)
        evhttp_set_gencb(
            server,
            { request, context in
                guard let request, let context else { return }
                Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().handle(request)
            }, context)
    }

    /// Accepts connections at a listening socket, which evhttp closes when it stops.
    func accept(at descriptor: Int32) throws(ServerError) {
        listening = evhttp_accept_socket_with_handle(server, descriptor)
        guard listening != nil else { throw ServerError(errno: errno, "accept connections") }
    }

    /// Takes no new connections, and closes each one that is idle or becomes so.
    func stopAccepting() {
        stops = true
        if let listening { evhttp_del_accept_socket(server, listening) }
        listening = nil
        for connection in connections.values {
            connection.closesWhenIdle = true
            if connection.isIdle { connection.close() }
        }
    }

    /// Whether no connection is left.
    var isQuiet: Bool { connections.isEmpty }

    /// Connections that are open.
    var connectionCount: Int { connections.count }

    /// Ends every connection at once; their exchanges are told.
    func closeAll() {
        for connection in connections.values { connection.close() }
    }
}

// Connections.
extension HTTPServer {
    private func makeBuffers() -> OpaquePointer? {
        let buffers = bufferevent_socket_new(loop.base, -1, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue))
        guard let buffers else { return nil }
        // Held until it is adopted, for evhttp might give it up before.
        bufferevent_incref(buffers)
        newcomers.append(buffers)
        adoption?.fire()
        return buffers
    }

    private func adoptNewcomers() {
        for buffers in newcomers {
            var handle: UnsafeMutableRawPointer?
            bufferevent_getcb(buffers, nil, nil, nil, &handle)
            if let handle { adopt(OpaquePointer(handle), buffers) }
            bufferevent_decref(buffers)
        }
        newcomers = []
    }

    private func adopt(_ handle: OpaquePointer, _ buffers: OpaquePointer) {
        do {
            let connection = try HTTPConnection(
                handle: handle, buffers: buffers, loop: loop, limits: limits, refused: refused
            ) { [unowned self] _ in
                connections[handle] = nil
                if stops { onQuiet?() }
            }
            connection.closesWhenIdle = stops
            connections[handle] = connection
            if connections.count > limits.connections {
                connection.refuse(
                    APIError(
                        .unavailable,
                        "connections: \(limits.connections) are open, which is the most",
                        headers: [HTTPHeader("Retry-After", "1")]))
            }
        } catch {
            evhttp_connection_free(handle)
        }
    }
}

// Requests.
extension HTTPServer {
    private func handle(_ request: UnsafeMutablePointer<evhttp_request>) {
        guard let handle = evhttp_request_get_connection(request),
            let connection = connections[handle], let head = connection.takeRequest()
        else {
            // What evhttp reads from a connection that was refused leads nowhere.
            evhttp_send_error(request, HTTP_BADREQUEST, nil)
            return
        }
        let exchange = HTTPExchange(
            request: request, connection: connection, requestID: requestID(of: head),
            limits: limits)
        exchange.closesConnection = stops
        connection.begin(exchange)
        handler(HTTPRequest(head: head, body: body(of: request)), exchange)
    }

    private func body(of request: UnsafeMutablePointer<evhttp_request>) -> [UInt8] {
        let buffer = evhttp_request_get_input_buffer(request)
        let count = evbuffer_get_length(buffer)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            filled = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, count)))
        }
    }

    /// The client's own name for the request, if it is short and plain; one of ours otherwise.
    private func requestID(of head: RequestHead) -> String {
        if let name = head["x-request-id"], (1...128).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        {
            return name
        }
        return RandomName.make()
    }
}
