/// The configuration of a Postfix whose mail is archived: what goes where, and what a configuration lacks.
public struct PostfixSetup: Sendable {
    /// One file to write, or to add to.
    public struct File: Sendable, Codable, Hashable {
        public var path: String
        public var lines: [String]
    }

    /// Whose mail is archived.
    public var addresses: [String]
    /// A domain that stands in these files only: its recipients are the archive's.
    public var domain: String
    /// `unix:mailarc/lmtp`, `inet:127.0.0.1:2424`, as Postfix sees it.
    public var socket: String
    public var folder: String

    /// - Throws: `.usage` for what is no address, domain or socket.
    public init(
        addresses: [String], domain: String, socket: String, folder: String = "/etc/postfix"
    ) throws(KitError) {
        guard !addresses.isEmpty else { throw KitError(.usage, "name the addresses whose mail is archived") }
        for address in addresses where !Self.isAddress(address) {
            throw KitError(.usage, "not an address such as anna@example.org: \(address)")
        }
        guard Self.isAddress("x@\(domain)") else { throw KitError(.usage, "not a domain: \(domain)") }
        guard socket.hasPrefix("unix:") || socket.hasPrefix("inet:"), socket.utf8.count > 5, !socket.contains(" ")
        else {
            throw KitError(.usage, "not a socket such as unix:mailarc/lmtp or inet:127.0.0.1:2424: \(socket)")
        }
        (self.addresses, self.domain) = (addresses.map { $0.lowercased() }, domain.lowercased())
        (self.socket, self.folder) = (socket, folder)
    }

    private static func isAddress(_ text: String) -> Bool {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        return halves.count == 2 && !halves[0].isEmpty && !halves[1].isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x40...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || [0x2B, 0x2D, 0x2E, 0x3D, 0x5F].contains($0)
            }
    }

    /// What stands for an address in the archive: its local part, with the domain where that is not enough.
    func account(of address: String) -> String {
        let halves = address.split(separator: "@")
        let isAlone = addresses.count { $0.hasPrefix("\(halves[0])@") } == 1
        return isAlone ? String(halves[0]) : "\(halves[0])=\(halves[1])"
    }

    func target(_ address: String, _ direction: CaptureDirection) -> String {
        "\(account(of: address))_\(direction == .received ? "rcv" : "snd")@\(domain)"
    }

    /// What to put where, in Postfix and in mailarc's own configuration.
    public func files(configuration: String) -> [File] {
        func map(_ direction: CaptureDirection) -> [String] { addresses.map { "\($0) \(target($0, direction))" } }
        return [
            File(
                path: "\(folder)/main.cf",
                lines: [
                    "recipient_bcc_maps = texthash:\(folder)/bcc_archive_rcv",
                    "sender_bcc_maps = texthash:\(folder)/bcc_archive_snd",
                    "transport_maps = texthash:\(folder)/transport", "relay_domains = $mydestination, \(domain)",
                ]),
            File(path: "\(folder)/bcc_archive_rcv", lines: map(.received)),
            File(path: "\(folder)/bcc_archive_snd", lines: map(.sent)),
            File(path: "\(folder)/transport", lines: ["\(domain) lmtp:\(socket)"]),
            File(
                path: configuration,
                lines: CaptureDirection.allCases.flatMap { direction in
                    [
                        "[[receive.route]]", "recipient = \"*_\(direction == .received ? "rcv" : "snd")@\(domain)\"",
                        "account = \"{1}\"", "direction = \"\(direction.rawValue)\"",
                    ]
                }),
        ]
    }
}
