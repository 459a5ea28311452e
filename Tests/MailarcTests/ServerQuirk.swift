import Foundation
import MailarcTesting
import Testing

/// One way in which a server differs from the RFCs, and what a run against it must come to all the same.
struct ServerQuirk: Sendable, CustomTestStringConvertible {
    typealias Model = ScriptedIMAPServer.Model

    /// As Documentation/Servers.md names it.
    let name: String
    /// What the server can do; ``ServerQuirk/modern`` unless told otherwise.
    var capabilities = ServerQuirk.modern
    /// Makes the server so from the beginning.
    var makes: @Sendable (inout Model) -> Void = { _ in }
    /// Makes it so after two runs.
    var later: @Sendable (inout Model) -> Void = { _ in }
    /// It begins after two runs.
    var isLate = false
    /// Exit codes while it lasts.
    var codes: Set<Int32> = [0]
    /// In what the first run says.
    var words: [String] = []
    /// Messages, by subject, that do not come through while it lasts.
    var held: Set<String> = []
    /// What may be the same as a message that cannot be read waits, for five runs.
    var waits = false
    /// What left the server stays in the destination.
    var keepsGone = false
    /// What left the destination stays on the server, too; as ``keepsGone`` where nothing is said.
    var keepsGoneThere: Bool?
    /// Flags changed on the server do not arrive.
    var keepsFlags = false
    /// A run has something to say even when nothing changed.
    var isRestless = false
    /// Folders of the Maildir, beside INBOX's.
    var folders = [".Work"]
    /// The server's name of the mailbox that is changed.
    var inbox = "INBOX"
    /// Of a destination: the other server, and exit codes of the second run and later ones, where they differ.
    var origin: @Sendable (inout Model) -> Void = { _ in }
    var laterCodes: Set<Int32>?
    /// Messages that no healing brings over, as a destination without BINARY cannot have them.
    var heldForGood: Set<String> = []
    var keepsKeywords = true
    /// Octets of these messages come to the destination otherwise.
    var altered: Set<String> = []
    /// What holds of the server afterwards.
    var proves: @Sendable (ScriptedIMAPServer) -> Void = { _ in }

    var testDescription: String { name }

    init(
        _ name: String, _ capabilities: [String] = ServerQuirk.modern,
        _ makes: @escaping @Sendable (inout Model) -> Void = { _ in }, _ change: (inout ServerQuirk) -> Void = { _ in }
    ) {
        (self.name, self.capabilities, self.makes) = (name, capabilities, makes)
        change(&self)
    }

    /// A quirk that shows after two runs.
    static func later(
        _ name: String, _ later: @escaping @Sendable (inout Model) -> Void,
        _ change: (inout ServerQuirk) -> Void = { _ in }
    ) -> ServerQuirk {
        var quirk = ServerQuirk(name)
        (quirk.later, quirk.isLate) = (later, true)
        change(&quirk)
        return quirk
    }

    // MARK: The server

    static let modern = Model.rich + ["UIDPLUS", "MOVE", "UNSELECT", "SASL-IR"]
    /// CONDSTORE, and no QRESYNC.
    static let condStore = modern.filter { $0 != "QRESYNC" }
    /// Neither.
    static let extendedSearch = condStore.filter { $0 != "CONDSTORE" }
    /// As little as RFC 3501 asks for, and UIDPLUS.
    static let old = ["IMAP4rev1", "UIDPLUS"]

    /// INBOX with 6 messages and Work with 4, UIDs from 1.
    var model: Model {
        var mailboxes = [
            ScriptedIMAPServer.Mailbox("INBOX", uidValidity: 7), ScriptedIMAPServer.Mailbox("Work", uidValidity: 8),
        ]
        for (index, count) in [(0, 6), (1, 4)] {
            for number in 1...count {
                mailboxes[index].append(
                    Self.message("\(mailboxes[index].name) \(number)"), flags: number == 1 ? ["\\Seen"] : [],
                    internalDate: " \(number)-Feb-2024 14:03:09 +0100")
            }
        }
        var model = Model(capabilities: capabilities, mailboxes: mailboxes)
        makes(&model)
        return model
    }

    static func message(_ subject: String) -> [UInt8] {
        Array(
            "From: anna@example.org\r\nMessage-ID: <\(subject.replacing(" ", with: "."))@example.org>\r\n"
                .appending("Subject: \(subject)\r\n\r\nThe body of \(subject).\r\n").utf8)
    }

    static func subject(_ octets: [UInt8]) -> String {
        String(decoding: octets, as: UTF8.self).split(separator: "\r\n").first { $0.hasPrefix("Subject: ") }
            .map { String($0.dropFirst(9)) } ?? ""
    }
}
