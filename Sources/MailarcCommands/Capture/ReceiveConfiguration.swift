import ArgumentParser
import MailarcKit
import TOMLKit

/// `[receive]` of the configuration: what `receive` and `deliver` take mail for.
///
/// ```toml
/// [receive]
/// lmtp = "unix:/var/spool/postfix/mailarc/lmtp"
///
/// [[receive.route]]
/// recipient = "*_rcv@archive.example.org"
/// account = "{1}"
/// direction = "received"
/// ```
struct ReceiveConfiguration {
    private static let keys: Set<String> = [
        "lmtp", "smtp", "networks", "recipients", "max-message-size", "tls-certificate", "tls-key", "require-tls",
        "hostname", "socket-mode", "route",
    ]
    private static let routeKeys: Set<String> = ["recipient", "account", "mailbox", "direction", "journal"]

    private let path: String
    private let table: TOMLTable
    let routes: [CaptureRoute]
    let rules: [CaptureRule]
    let scanner: String?

    /// - Throws: `.usage` for a word that is not known: a route that is misspelt sends mail elsewhere.
    init(_ file: ConfigurationFile) throws(KitError) {
        path = file.path
        table = file.table["receive"]?.table ?? TOMLTable()
        for key in table.keys where !Self.keys.contains(key) {
            throw KitError(.usage, "\(path): [receive] has no \(key)")
        }
        var routes: [CaptureRoute] = []
        for index in 0..<(table["route"]?.array?.count ?? 0) {
            guard let entry = table["route"]?.array?[index].table else { continue }
            routes.append(try Self.route(entry, "\(path): route \(index + 1)"))
        }
        self.routes = routes
        rules = try CaptureRule.rules(file)
        scanner = try CaptureRule.scanner(file)
    }

    private static func route(_ entry: TOMLTable, _ place: String) throws(KitError) -> CaptureRoute {
        for key in entry.keys where !routeKeys.contains(key) { throw KitError(.usage, "\(place) has no \(key)") }
        guard let recipient = entry["recipient"]?.string, let account = entry["account"]?.string else {
            throw KitError(.usage, "\(place) lacks recipient or account")
        }
        let word = entry["direction"]?.string
        let direction = word.flatMap(CaptureDirection.init(rawValue:))
        guard word == nil || direction != nil else {
            throw KitError(.usage, "\(place): direction is received or sent")
        }
        guard entry["journal"] == nil || entry["journal"]?.bool != nil else {
            throw KitError(.usage, "\(place): journal is true or false")
        }
        return CaptureRoute(
            recipient: recipient, account: account, mailbox: entry["mailbox"]?.string, direction: direction,
            isJournal: entry["journal"]?.bool ?? false)
    }

    func text(_ key: String) -> String? { table[key]?.string }
    func flag(_ key: String) -> Bool { table[key]?.bool ?? false }

    /// One text or a list of them.
    func texts(_ key: String) throws(KitError) -> [String] {
        guard let value = table[key] else { return [] }
        if let text = value.string { return [text] }
        guard let array = value.array else { throw KitError(.usage, "\(path): \(key) is a text or a list of texts") }
        return (0..<array.count).compactMap { array[$0].string }
    }
}

/// What `receive` and `deliver` have in common.
struct CaptureOptions: ParsableArguments {
    @Option(help: "Take what no route of the configuration takes into this account.") var account: String?
    @Option(
        help: ArgumentHelp(
            "Serve only recipients like this ('*' matches anything); may be repeated.", valueName: "pattern"))
    var allowRecipient: [String] = []
    @Option(help: ArgumentHelp("Refuse larger messages: octets, or with K, M, G (default: 500M).", valueName: "size"))
    var maxMessageSize: String?
    @Option(
        help: ArgumentHelp(
            "Where large messages wait, sealed, until they are archived (default: the archive folder).",
            valueName: "folder"))
    var spool: String?

    func validate() throws {
        guard maxMessageSize.map({ Quantity.octets($0) != nil }) ?? true else {
            throw ValidationError("--max-message-size takes octets, or a number with K, M or G")
        }
    }

    func routes(_ configuration: ReceiveConfiguration) -> [CaptureRoute] {
        configuration.routes + (account.map { [CaptureRoute(recipient: "*", account: $0)] } ?? [])
    }

    func recipients(_ configuration: ReceiveConfiguration) throws(KitError) -> [String] {
        allowRecipient.isEmpty ? try configuration.texts("recipients") : allowRecipient
    }

    func messageSize(_ configuration: ReceiveConfiguration) throws(KitError) -> Int {
        let text = maxMessageSize ?? configuration.text("max-message-size") ?? "500M"
        guard let size = Quantity.octets(text), size > 0 else {
            throw KitError(.usage, "not a size such as 50M: \(text)")
        }
        return size
    }
}
