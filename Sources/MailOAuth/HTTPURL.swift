/// Where a request goes: over TLS, and in the clear to this machine alone.
///
/// - SeeAlso: RFC 3986 §3, RFC 6749 §3.1, §3.2, RFC 8252 §8.3
package struct HTTPURL: Sendable, Hashable {
    package let text: String
    package let isSecure: Bool
    package let host: String
    package let port: Int
    /// Path and query.
    package let target: String

    /// - Throws: `.badURL`, for http to another machine, too.
    package init(_ text: String) throws(OAuthError) {
        func error(_ reason: String) -> OAuthError { OAuthError(.badURL, "\(text.prefix(200)) \(reason)") }
        let lowered = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lowered.hasPrefix) else {
            throw error("is no URL that begins with https://")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#") else {
            throw error("is no URL: it has spaces, a # or other characters that have to be written as %XX")
        }
        isSecure = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest.dropFirst(authority.count)
        target = tail.hasPrefix("/") ? String(tail) : "/" + tail
        var name = authority
        var port = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                throw error("has a port that is none")
            }
            (port, name) = (number, authority[..<colon])
        }
        if name.first == "[", name.last == "]" { name = name.dropFirst().dropLast() }
        guard !name.isEmpty, !name.contains("@"), !name.contains("\\") else { throw error("names no host") }
        (self.text, host, self.port) = (text, String(name), port)
        guard isSecure || Self.isLoopback(host) else {
            throw error("is not protected: tokens go over https:// only (http:// is for this machine alone)")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if ["localhost", "::1"].contains(host.lowercased()) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// As the field Host has it. RFC 9110 §7.2
    var hostField: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }
}
