// The socket that clients connect to, bound when the server is made so that a taken port is said
// at once. It accepts nothing by itself: evhttp does.

import Glibc

/// A bound and listening socket, of TCP or of the file system.
struct ListeningSocket: Sendable {
    /// Whoever accepts at it closes it.
    let descriptor: Int32
    /// Where clients connect, as a person would write it.
    let description: String
    /// The TCP port; nil for a socket in the file system.
    let port: Int?

    private static let backlog: Int32 = 1024

    /// Listens at a host's first address that can be bound.
    ///
    /// Throws: `ServerError` with the system's reason.
    init(host: String, port: Int) throws(ServerError) {
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        guard (0...65535).contains(port) else {
            throw ServerError("listen: port is \(port); it must be from 0 to 65535")
        }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = list else {
            throw ServerError("listen at \(place): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        let address = first.pointee
        descriptor = try ListeningSocket.bound(
            family: address.ai_family, address.ai_addr, address.ai_addrlen, place)
        let bound = try ListeningSocket.port(of: descriptor)
        self.port = bound
        description = "http://" + (port == 0 ? "\(host):\(bound)" : place)
    }

    /// Who may connect at a path: the server's user and group, as a proxy beside it does.
    private static let permissions: mode_t = 0o660

    /// Listens at a path of the file system; a socket there that nobody listens to is replaced,
    /// anything else is left alone.
    ///
    /// Throws: `ServerError` with the system's reason.
    init(path: String) throws(ServerError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room, !path.isEmpty else {
            throw ServerError(
                "listen: the socket's path has \(path.utf8.count) bytes, expected 1 to \(room - 1)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        descriptor = try withUnsafePointer(to: &address) { pointer throws(ServerError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                generic throws(ServerError) in
                ListeningSocket.removeDeadSocket(path, generic, length)
                return try ListeningSocket.bound(
                    family: AF_UNIX, UnsafeMutablePointer(mutating: generic), length, path,
                    permissions: ListeningSocket.permissions)
            }
        }
        port = nil
        description = "unix:" + path
    }

    private static func bound(
        family: Int32, _ address: UnsafeMutablePointer<sockaddr>?, _ length: socklen_t,
        _ place: String, permissions: mode_t? = nil
    ) throws(ServerError) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(family, Int32(kind), 0)
        guard descriptor >= 0 else { throw ServerError(errno: errno, "listen at \(place)") }
        var yes: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        // Nobody can connect before listen, so that nobody slips in under other permissions.
        guard bind(descriptor, address, length) == 0,
            permissions.map({ chmod(place, $0) == 0 }) ?? true, listen(descriptor, backlog) == 0
        else {
            let error = ServerError(errno: errno, "listen at \(place)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func removeDeadSocket(
        _ path: String, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) {
        // A file that is no socket refuses connections too.
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        defer { close(probe) }
        if connect(probe, address, length) != 0, errno == ECONNREFUSED { unlink(path) }
    }

    private static func port(of descriptor: Int32) throws(ServerError) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        guard code == 0 else { throw ServerError(errno: errno, "port of the listening socket") }
        // sin_port and sin6_port stand at the same place.
        return withUnsafeBytes(of: &storage) {
            Int(UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        }
    }
}
