/// The case study's external server: mail goes out through somebody else's, with a login.
public struct PostfixRelay: Sendable, Hashable {
    /// `[mail.example.org]:587`, as relayhost has it.
    public var host: String
    /// For mail of these addresses another one.
    public var senders: [String: String]
    /// User and password, `user:password`, by host, or by sender where senders have relays of their own.
    package var credentials: [(key: String, value: String)] { entries.map { ($0.key, $0.value) } }
    private var entries: [Entry]

    private struct Entry: Hashable {
        var key: String
        var value: String
    }

    /// - Parameter credentials: lines `host user:password` or `sender user:password`, as in the map that they go into;
    ///   empty: the map has them already, or gets them by hand.
    /// - Throws: `.usage`; never with a password in it.
    public init(host: String, senders: [String: String] = [:], credentials: String = "") throws(KitError) {
        for host in [host] + senders.values where !Self.isHost(host) {
            throw KitError(.usage, "not a relay such as [mail.example.org]:587: \(host)")
        }
        for sender in senders.keys where !PostfixSetup.isAddress(sender) {
            throw KitError(.usage, "not an address such as anna@example.org: \(sender)")
        }
        (self.host, entries) = (host, [])
        self.senders = Dictionary(senders.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
        let keys = Set([host.lowercased()] + self.senders.keys)
        for (number, line) in credentials.split(separator: "\n").enumerated() where line.first != "#" {
            let words = line.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
            guard words.count == 2, words[1].contains(":"), keys.contains(words[0].lowercased()) else {
                throw KitError(
                    .usage,
                    "line \(number + 1) of the credentials is not 'RELAY user:password' or 'SENDER user:password'",
                    hint: "relays and senders are those of --relayhost and --relayhost-for, written alike")
            }
            entries.append(Entry(key: words[0].lowercased(), value: words[1]))
        }
    }

    /// `[name]:port`, `name:port`, `[name]`, `name`
    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.contains(".")
            && text.utf8.allSatisfy {
                (0x30...0x3A).contains($0) || (0x41...0x5B).contains($0) || (0x61...0x7A).contains($0)
                    || [0x2D, 0x2E, 0x5D].contains($0)
            }
    }

    /// What a login goes by.
    package var keys: [String] { [host] + senders.keys.sorted() }
}
