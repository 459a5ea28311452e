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
    /// Mail goes out through another server; `nil`: as it does.
    public var relay: PostfixRelay?

    /// - Throws: `.usage` for what is no address, domain or socket.
    public init(
        addresses: [String], domain: String, socket: String, folder: String = "/etc/postfix",
        relay: PostfixRelay? = nil
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
        (self.socket, self.folder, self.relay) = (socket, folder, relay)
    }

    static func isAddress(_ text: String) -> Bool {
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

    /// What is wanted of one parameter.
    struct Wanted {
        enum Value {
            /// A map at `path` with these entries, among those that the parameter names.
            case map(path: String, entries: [(key: String, value: String)], isSecret: Bool)
            /// One word of a list; alone where the parameter is not set: `otherwise`.
            case word(String, otherwise: String)
            /// This value; in the place of `replacing`, and of nothing else. As good: `equivalents`.
            case text(String, replacing: Set<String>, equivalents: Set<String>)
        }
        var parameter: String
        var value: Value
    }

    /// In the order of printing.
    var wanted: [Wanted] {
        func map(_ name: String, _ file: String, _ entries: [(String, String)], isSecret: Bool = false) -> Wanted {
            Wanted(
                parameter: name,
                value: .map(
                    path: "\(folder)/\(file)", entries: entries.map { (key: $0.0, value: $0.1) }, isSecret: isSecret))
        }
        func text(
            _ name: String, _ value: String, replacing: Set<String> = [], equivalents: Set<String> = []
        ) -> Wanted { Wanted(parameter: name, value: .text(value, replacing: replacing, equivalents: equivalents)) }
        var all = [
            map("recipient_bcc_maps", "bcc_archive_rcv", addresses.map { ($0, target($0, .received)) }),
            map("sender_bcc_maps", "bcc_archive_snd", addresses.map { ($0, target($0, .sent)) }),
            map("transport_maps", "transport", [(domain, "lmtp:\(socket)")]),
            Wanted(parameter: "relay_domains", value: .word(domain, otherwise: "$mydestination, \(domain)")),
        ]
        guard let relay else { return all }
        all += [
            text("relayhost", relay.host), text("smtp_sasl_auth_enable", "yes", replacing: ["no"]),
            map(
                "smtp_sasl_password_maps", "relay_passwd", relay.credentials.map { ($0.key, $0.value) }, isSecret: true),
            text(
                "smtp_sasl_security_options", "noanonymous",
                replacing: ["noplaintext, noanonymous", "noplaintext,noanonymous"]),
            // A password goes over TLS or not at all.
            text(
                "smtp_tls_security_level", "encrypt", replacing: ["may", "none"],
                equivalents: ["dane-only", "fingerprint", "verify", "secure"]),
        ]
        guard !relay.senders.isEmpty else { return all }
        all += [
            map(
                "sender_dependent_relayhost_maps", "relay_by_sender",
                relay.senders.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
            text("smtp_sender_dependent_authentication", "yes", replacing: ["no"]),
        ]
        return all
    }

    /// What to put where, in Postfix and in mailarc's own configuration; a password is never in it.
    public func files(configuration: String) -> [File] {
        var main: [String] = []
        var maps: [File] = []
        for wanted in wanted {
            switch wanted.value {
            case .map(let path, let entries, let isSecret):
                main.append("\(wanted.parameter) = texthash:\(path)")
                let lines = entries.map { "\($0.key) \(isSecret ? Self.mask : $0.value)" }
                let placeholders = isSecret ? (relay?.keys ?? []).map { "\($0) USER:PASSWORD" } : []
                maps.append(File(path: path, lines: lines.isEmpty ? placeholders : lines))
            case .word(_, let otherwise): main.append("\(wanted.parameter) = \(otherwise)")
            case .text(let value, _, _): main.append("\(wanted.parameter) = \(value)")
            }
        }
        let routes = CaptureDirection.allCases.flatMap { direction in
            [
                "[[receive.route]]", "recipient = \"*_\(direction == .received ? "rcv" : "snd")@\(domain)\"",
                "account = \"{1}\"", "direction = \"\(direction.rawValue)\"",
            ]
        }
        return [File(path: "\(folder)/main.cf", lines: main)] + maps + [File(path: configuration, lines: routes)]
    }

    /// In the place of a password.
    static let mask = "********"
}
