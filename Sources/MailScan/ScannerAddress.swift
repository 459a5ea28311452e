/// Where a spam scanner of this machine answers: `rspamd:127.0.0.1:11333`, `spamd:unix:/run/spamd.sock`.
package struct ScannerAddress: Sendable, Hashable, CustomStringConvertible {
    package enum Program: String, Sendable, CaseIterable { case rspamd, spamd }

    package enum Place: Sendable, Hashable {
        case unix(String)
        /// An address in numbers, of this machine.
        case tcp(host: String, port: Int)
    }

    package let program: Program
    package let place: Place

    /// LIMIT: what `sun_path` holds, less its zero.
    private static let pathLimit = 107

    /// - Throws: `.badAddress`, for another machine, too: messages go there in the clear.
    package init(parsing text: String) throws(ScanError) {
        let halves = text.split(separator: ":", maxSplits: 1)
        guard halves.count == 2, let program = Program(rawValue: String(halves[0])) else {
            throw ScanError(
                .badAddress, "not a scanner such as rspamd:127.0.0.1:11333 or spamd:unix:/run/spamd.sock: \(text)")
        }
        self.program = program
        let rest = String(halves[1])
        if rest.hasPrefix("unix:") {
            let path = String(rest.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= Self.pathLimit else {
                throw ScanError(
                    .badAddress, "\(text): the path of a socket begins with / and has at most \(Self.pathLimit) octets")
            }
            place = .unix(path)
            return
        }
        guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
            (1...65_535).contains(port)
        else { throw ScanError(.badAddress, "\(text) has no port") }
        let host = rest[..<colon]
        guard host == "[::1]" || Self.isLoopback(host) else {
            throw ScanError(
                .badAddress, "\(text): the scanner is asked on this machine alone: 127.0.0.1, [::1] or unix:/path")
        }
        place = .tcp(host: host == "[::1]" ? "::1" : String(host), port: port)
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    package var description: String {
        switch place {
        case .unix(let path): "\(program.rawValue):unix:\(path)"
        case .tcp(let host, let port): "\(program.rawValue):\(host == "::1" ? "[::1]" : host):\(port)"
        }
    }
}
