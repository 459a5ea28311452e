/// What happens to both accounts between the first run and those that are looked at; data, no code.
public struct Scenario: Sendable {
    public typealias Step = AccountModel.Step

    /// As `--scenario` names it.
    public let id: String
    /// One line.
    public let title: String
    /// What the accounts hold before the first run; the archive is empty then.
    public let start: AccountModel
    public let source: [Step]
    public let archive: [Step]
    /// What happens in the run that follows.
    public let fault: Fault?

    /// What goes wrong in a run, once so many octets came from the source.
    public enum Fault: Sendable, Hashable {
        /// The source's connections end; new ones are taken.
        case connectionsEnd(octets: Int)
        /// The contender is killed.
        case isKilled(octets: Int)
    }

    public init(
        _ id: String, _ title: String, start: AccountModel = Scenario.office, source: [Step] = [],
        archive: [Step] = [], fault: Fault? = nil
    ) {
        (self.id, self.title, self.start) = (id, title, start)
        (self.source, self.archive, self.fault) = (source, archive, fault)
    }

    /// What happens, as the tables show it.
    public var events: [String] {
        let told: [String] =
            switch fault {
            case .connectionsEnd(let octets): ["connections end after \(octets) octets"]
            case .isKilled(let octets): ["killed after \(octets) octets"]
            case nil: []
            }
        return source.map { "source \($0)" } + archive.map { "archive \($0)" } + told
    }

    /// Both accounts after the events, the archive being a true copy before them.
    var ends: (source: AccountModel, archive: AccountModel) { (start.after(source), start.after(archive)) }

    /// An office worker's account: flags, a mailbox inside another, one with letters beyond ASCII.
    public static let office = AccountModel(messages: [
        .init(mailbox: "INBOX", key: "A", flags: ["\\Seen"]), .init(mailbox: "INBOX", key: "B"),
        .init(mailbox: "INBOX", key: "C", flags: ["\\Seen"]), .init(mailbox: "INBOX", key: "D"),
        .init(mailbox: "INBOX", key: "E", flags: ["\\Seen"]), .init(mailbox: "Work", key: "F", flags: ["\\Seen"]),
        .init(mailbox: "Work", key: "G"), .init(mailbox: "Work", key: "H"),
        .init(mailbox: "Work.Sub", key: "I", flags: ["\\Seen"]), .init(mailbox: "Work.Sub", key: "J"),
        .init(mailbox: umlauts, key: "K"),
    ])

    /// `Áé`
    static let umlauts = "&AMEA6Q-"

    /// Messages that are expunged while the account is filled, so that its UIDs have gaps; each before the one named.
    static let gaps = ["C", "G"]
}
