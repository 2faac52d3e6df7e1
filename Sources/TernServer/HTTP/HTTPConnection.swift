// One client's connection: what it does now, how long it may, and its heads read strictly before
// evhttp reads them. It watches the raw input through evbuffer's callback; a head that is refused
// is answered on the socket at once, and evhttp never sees another byte of that connection.
// Requests and replies as such are HTTPServer's and HTTPExchange's.
//
// Source: libevent 2.1.12, http.c and bufferevent_sock.c.

import CLibevent
import Glibc

/// A connection from accept to close. Thread: the loop's.
final class HTTPConnection {
    /// What the connection does.
    enum State {
        /// Waits for a request's first byte.
        case idle
        /// Has part of a head.
        case readingHead
        /// Has a head; where chunks follow, their framing is watched.
        case readingBody(RequestHead, ChunkedFraming?)
        /// A handler works on a request.
        case busy(HTTPExchange)
        /// The reply is complete and goes out.
        case flushing
        /// Answered with an error; input is thrown away until the client closes.
        case refused
    }

    private(set) var state = State.idle
    /// Set while the server stops.
    var closesWhenIdle = false
    /// evhttp's connection; its callbacks carry this object.
    private let handle: OpaquePointer
    private let buffers: OpaquePointer
    private let limits: HTTPLimits
    /// What has come of a head.
    private var headBytes: [UInt8] = []
    private var timer: LoopEvent?
    private let closed: (HTTPConnection) -> Void
    private let tellRefusal: HTTPServer.RefusalHandler

    /// How long a refused client may take to read why.
    private static let lingering = Duration.seconds(2)

    /// Takes over a connection that evhttp has just made. `closed` is called when it is gone,
    /// `refused` when a request was answered before any handler saw it.
    init(
        handle: OpaquePointer, buffers: OpaquePointer, loop: EventLoop, limits: HTTPLimits,
        refused: @escaping HTTPServer.RefusalHandler, closed: @escaping (HTTPConnection) -> Void
    ) throws(ServerError) {
        self.handle = handle
        self.buffers = buffers
        self.limits = limits
        self.closed = closed
        tellRefusal = refused
        timer = try LoopEvent(timerOn: loop) { [unowned self] in timeIsUp() }
        timer?.schedule(after: limits.idleTimeout)
        configure()
    }

    private func configure() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        evhttp_connection_set_closecb(
            handle,
            { _, context in
                guard let context else { return }
                Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue().wasClosed()
            }, context)
        evbuffer_add_cb(
            bufferevent_get_input(buffers),
            { _, change, context in
                guard let change, let context, change.pointee.n_added > 0 else { return }
                Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue()
                    .received(at: change.pointee.orig_size, count: change.pointee.n_added)
            }, context)
        var writeTimeout = timeval(
            tv_sec: Int(limits.writeTimeout.components.seconds), tv_usec: 0)
        bufferevent_set_timeouts(buffers, nil, &writeTimeout)
        // Streams are many small writes, which must not wait for acknowledgements.
        var yes: Int32 = 1
        setsockopt(
            bufferevent_getfd(buffers), Int32(IPPROTO_TCP), TCP_NODELAY, &yes,
            socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether nothing is under way.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// Bytes that wait for the client to take them.
    var pendingOutputBytes: Int { evbuffer_get_length(bufferevent_get_output(buffers)) }

    /// Closes at once. Not to be called from within evhttp's own callbacks.
    func close() { evhttp_connection_free(handle) }
}

// Input, before evhttp reads it.
extension HTTPConnection {
    private func received(at offset: Int, count: Int) {
        switch state {
        case .idle:
            timer?.schedule(after: limits.requestDeadline)
            state = .readingHead
            readHead(at: offset, count: count)
        case .readingHead: readHead(at: offset, count: count)
        case .readingBody(let head, let framing?):
            readChunks(of: head, framing, at: offset, count: count)
        case .readingBody(_, nil): break
        case .busy, .flushing:
            // The next request, sent early: it waits, within the bounds of one request.
            if offset + count > limits.headBytes + limits.bodyBytes {
                shutdown(bufferevent_getfd(buffers), Int32(SHUT_RDWR))
            }
        case .refused: discardInput()
        }
    }

    /// Takes bytes of the input buffer for the head, as far as it may go.
    private func readHead(at offset: Int, count: Int) {
        let before = headBytes.count
        headBytes += input(at: offset, count: min(count, limits.headBytes + 1 - before))
        do {
            guard let end = HTTPConnection.headEnd(in: headBytes, from: max(0, before - 3)) else {
                try checkBeginning(after: before)
                return
            }
            let head = try RequestHead(parsing: headBytes[..<end], limits: limits)
            headBytes = []
            if head.isChunked {
                readChunks(
                    of: head, ChunkedFraming(limit: limits.bodyBytes),
                    at: offset + end - before, count: before + count - end)
            } else {
                state = .readingBody(head, nil)
            }
        } catch {
            refuse(error)
        }
    }

    /// Checks a head that is not whole yet, where bytes after a place have ended a line.
    ///
    /// Cost: as many bytes as there are, for each line; both are bounded.
    private func checkBeginning(after place: Int) throws(APIError) {
        guard headBytes.count <= limits.headBytes else { throw .headTooLarge(limits.headBytes) }
        guard let lineEnd = headBytes[place...].lastIndex(of: 0x0A) else { return }
        try RequestHead.check(beginning: headBytes[...lineEnd], limits: limits)
    }

    private func readChunks(
        of head: RequestHead, _ framing: ChunkedFraming, at offset: Int, count: Int
    ) {
        do {
            var framing = framing
            try framing.read(input(at: offset, count: count))
            state = .readingBody(head, framing)
        } catch {
            refuse(error)
        }
    }

    /// A copy of bytes that evhttp has not read yet.
    private func input(at offset: Int, count: Int) -> [UInt8] {
        let input = bufferevent_get_input(buffers)
        var place = evbuffer_ptr()
        evbuffer_ptr_set(input, &place, offset, EVBUFFER_PTR_SET)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, copied in
            copied = max(0, evbuffer_copyout_from(input, &place, bytes.baseAddress, count))
        }
    }

    /// The place after the first empty line. A line may end in LF alone here, as evhttp has it;
    /// RequestHead refuses it then.
    private static func headEnd(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while let lineEnd = bytes[index...].firstIndex(of: 0x0A) {
            let next = lineEnd + 1
            if next < bytes.count, bytes[next] == 0x0A { return next + 1 }
            if next + 1 < bytes.count, bytes[next] == 0x0D, bytes[next + 1] == 0x0A {
                return next + 2
            }
            index = next
        }
        return nil
    }

    /// Answers on the socket itself, closes that direction, and lets the client read in peace.
    func refuse(_ error: APIError) {
        let body = error.json.text()
        let id = RandomName.make()
        let headers =
            [
                HTTPHeader("Content-Type", "application/json"), HTTPHeader("x-request-id", id),
                HTTPHeader("Content-Length", "\(body.utf8.count)"),
                HTTPHeader("Connection", "close"),
            ] + error.headers
        let text =
            "HTTP/1.1 \(error.status.rawValue) \(error.status.phrase)\r\n"
            + headers.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n" + body
        let bytes = Array(text.utf8)
        let descriptor = bufferevent_getfd(buffers)
        // A client that does not take even this much has no claim to it.
        let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
        _ = send(descriptor, bytes, bytes.count, flags)
        shutdown(descriptor, Int32(SHUT_WR))
        state = .refused
        tellRefusal(id, error)
        headBytes = []
        discardInput()
        timer?.schedule(after: HTTPConnection.lingering)
    }

    private func discardInput() {
        let input = bufferevent_get_input(buffers)
        evbuffer_drain(input, evbuffer_get_length(input))
    }
}

// The way of one request through the states.
extension HTTPConnection {
    /// The head of the request that evhttp has just read to its end; nil if it must be ignored.
    ///
    /// From here on the client's leaving is watched for. evhttp does so only once a reply has
    /// begun, and it must not read: a byte in this state would end the process.
    func takeRequest() -> RequestHead? {
        guard case .readingBody(let head, _) = state else { return nil }
        var write: bufferevent_data_cb?
        var event: bufferevent_event_cb?
        var context: UnsafeMutableRawPointer?
        bufferevent_getcb(buffers, nil, &write, &event, &context)
        bufferevent_setcb(buffers, nil, write, event, context)
        bufferevent_enable(buffers, Int16(EV_READ))
        timer?.cancel()
        return head
    }

    func begin(_ exchange: HTTPExchange) { state = .busy(exchange) }

    /// The reply is complete, but for its way out.
    func replied() { state = .flushing }

    /// The reply is out; a next request may already be here.
    func replyWasSent() {
        state = .idle
        // Closing must wait until evhttp is done with this request.
        timer?.schedule(after: closesWhenIdle ? .zero : limits.idleTimeout)
        let waiting = evbuffer_get_length(bufferevent_get_input(buffers))
        if waiting > 0 { received(at: 0, count: waiting) }
    }

    private func timeIsUp() {
        switch state {
        case .readingHead, .readingBody:
            refuse(
                APIError(
                    .requestTimeout,
                    "HTTP request: not complete after \(limits.requestDeadline)"))
        case .idle, .refused: close()
        case .busy, .flushing: break
        }
    }

    private func wasClosed() {
        timer = nil
        if case .busy(let exchange) = state { exchange.connectionClosed() }
        closed(self)
    }
}
