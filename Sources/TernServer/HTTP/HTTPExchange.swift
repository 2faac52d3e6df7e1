// Station 12 of the walk, its last step: the reply to one request, whole or as a stream of chunks.
// It hands bytes to evhttp and tells the handler when the client has left; what the bytes say is
// the handler's.
//
// evhttp frees a request when its reply is out. When a connection ends before that, it unlinks the
// request and leaves it to us: hence `connectionClosed`.

import CLibevent

/// One request and its reply. Thread: the loop's.
final class HTTPExchange {
    private enum State {
        case waiting
        case streaming
        case ended
        /// The client left; whatever is said now goes nowhere.
        case closed
    }

    /// Names the request in logs and in the header x-request-id.
    let requestID: String
    /// Called once if the client leaves before the reply has ended.
    var onClose: (() -> Void)?
    /// Called once when the reply has ended, with its status; without one where the client left
    /// before the reply had ended.
    var onEnd: ((HTTPStatus?) -> Void)?
    /// What the log of requests tells of it.
    var outcome = RequestOutcome()
    /// Set to end the connection after this reply.
    var closesConnection = false

    private var state = State.waiting
    private var status = HTTPStatus.ok
    private let request: UnsafeMutablePointer<evhttp_request>
    private unowned let connection: HTTPConnection
    private let limits: HTTPLimits

    init(
        request: UnsafeMutablePointer<evhttp_request>, connection: HTTPConnection,
        requestID: String, limits: HTTPLimits
    ) {
        self.request = request
        self.connection = connection
        self.requestID = requestID
        self.limits = limits
    }

    /// Sends a complete reply.
    func respond(_ response: HTTPResponse) {
        guard state != .closed else { return }
        precondition(state == .waiting, "a reply was sent twice; the state is \(state)")
        addHeaders(response.headers)
        if response.status.hasBody {
            evhttp_add_header(
                request.pointee.output_headers, "Content-Length", "\(response.body.count)")
        }
        // evhttp would send the body to HEAD too, and a client read it as its next answer.
        let isHead = request.pointee.type == EVHTTP_REQ_HEAD
        let buffer = filled(with: isHead ? [] : response.body)
        defer { evbuffer_free(buffer) }
        status = response.status
        outcome.error = outcome.error ?? response.cause
        end { [status] in evhttp_send_reply(request, Int32(status.rawValue), status.phrase, buffer)
        }
    }

    /// Begins a reply whose body follows in pieces.
    func start(_ response: HTTPResponse) {
        guard state != .closed else { return }
        precondition(state == .waiting, "a reply was started twice; the state is \(state)")
        addHeaders(response.headers)
        if request.pointee.minor == 0 {
            // evhttp would keep the connection and claim a length of 0.
            evhttp_remove_header(request.pointee.input_headers, "Connection")
        }
        state = .streaming
        status = response.status
        evhttp_send_reply_start(request, Int32(status.rawValue), status.phrase)
    }

    /// Sends a piece of the body. A client that lets too much pile up is dropped.
    func write(_ bytes: [UInt8]) {
        guard state != .closed else { return }
        precondition(state == .streaming, "a stream is written while \(state)")
        guard connection.pendingOutputBytes + bytes.count <= limits.pendingOutputBytes else {
            connection.close()
            return
        }
        let buffer = filled(with: bytes)
        defer { evbuffer_free(buffer) }
        evhttp_send_reply_chunk(request, buffer)
    }

    /// Ends a stream.
    func end() {
        guard state != .closed else { return }
        precondition(state == .streaming, "a stream is ended while \(state)")
        end { evhttp_send_reply_end(request) }
    }

    private func end(_ send: () -> Void) {
        state = .ended
        onClose = nil
        tellEnd(status)
        let connection = connection
        evhttp_request_set_on_complete_cb(
            request,
            { _, context in
                guard let context else { return }
                Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue().replyWasSent()
            }, Unmanaged.passUnretained(connection).toOpaque())
        connection.replied()
        send()
    }

    /// The connection ends before the reply has; evhttp may have left the request to us.
    func connectionClosed() {
        guard state == .waiting || state == .streaming else { return }
        state = .closed
        let tell = onClose
        onClose = nil
        if evhttp_request_get_connection(request) == nil { evhttp_request_free(request) }
        tell?()
        tellEnd(nil)
    }

    private func tellEnd(_ status: HTTPStatus?) {
        let tell = onEnd
        onEnd = nil
        tell?(status)
    }

    private func addHeaders(_ headers: [HTTPHeader]) {
        let list = request.pointee.output_headers
        for header in headers + [HTTPHeader("x-request-id", requestID)] {
            evhttp_add_header(list, header.name, header.value)
        }
        if closesConnection { evhttp_add_header(list, "Connection", "close") }
    }

    private func filled(with bytes: [UInt8]) -> OpaquePointer? {
        let buffer = evbuffer_new()
        evbuffer_add(buffer, bytes, bytes.count)
        return buffer
    }
}
