import ArgumentParser
import MailarcKit

/// `mailarc list`
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List mailboxes with counts, or the messages of one mailbox, now or as of a day.",
        discussion: """
            With --at everything is as it was then: which mailboxes there were and what they were called, which messages \
            were in them, and their flags.

            EXAMPLES:
              mailarc list -a ~/mail.archive
              mailarc list -a ~/mail.archive --mailbox INBOX --account work
              mailarc list -a ~/mail.archive --mailbox INBOX --at 2024-05-01
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "'mailboxes' (default) or 'messages' (the same as --mailbox).") var what: String?
    @Option(help: "Only this account.") var account: String?
    @Option(help: "The messages of this mailbox.") var mailbox: String?
    @Option(
        help: "As it was at the end of this day or moment (UTC): 2024-05-01, 2024-05-01T12:00:00Z.")
    var at: String?
    @Option(help: "How many messages at the most.") var limit = 1_000

    func validate() throws {
        if let what, !["mailboxes", "messages"].contains(what) {
            throw ValidationError("list takes 'mailboxes' or 'messages'")
        }
        if what == "messages" && mailbox == nil {
            throw ValidationError("list messages needs --mailbox NAME")
        }
        if let at, Format.seconds(at) == nil {
            throw ValidationError("--at takes a date such as 2024-05-01")
        }
    }

    func run() async throws {
        let moment = at.flatMap(Format.seconds).map { $0.upperBound - 1 }
        if let mailbox {
            let rows = try await archive.with { workspace throws(KitError) in
                try await workspace.messages(account: account, mailbox: mailbox, at: moment, limit: limit)
            }
            return try output.output.render(rows, command: "list messages") { rows in
                MessageText.lines(rows, showsFlags: true) + [Format.plural(rows.count, "message")]
            }
        }
        let rows = try await archive.with { workspace throws(KitError) in
            try await workspace.mailboxes(account: account, at: moment)
        }
        try output.output.render(rows, command: "list mailboxes") { rows in
            Format.table(
                [["account", "mailbox", "messages", "size", ""]]
                    + rows.map {
                        [$0.account, $0.mailbox, Format.count($0.messages), Format.octets($0.octets), $0.state]
                    },
                right: [2, 3])
        }
    }
}
