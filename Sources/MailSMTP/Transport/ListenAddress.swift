import NIOCore

/// Where a receiver listens: `unix:/path`, `127.0.0.1:2424`, `[::1]:2424`.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    case unix(String)
    /// An address in numbers.
    case tcp(host: String, port: Int)

    /// LIMIT: what `sun_path` holds, less its zero.
    private static let pathLimit = 107

    /// - Throws: `.malformed`.
    package init(parsing text: String) throws(SMTPError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= Self.pathLimit else {
                throw SMTPError(
                    .malformed, "\(text): the path of a socket begins with / and has at most \(Self.pathLimit) octets")
            }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw SMTPError(.malformed, "\(text) is no address: unix:/path, 127.0.0.1:2424 or [::1]:2424") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard (try? SocketAddress(ipAddress: host, port: port)) != nil else {
            throw SMTPError(.malformed, "\(text): the address is needed in numbers, 127.0.0.1 for this machine alone")
        }
        self = .tcp(host: host, port: port)
    }

    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
