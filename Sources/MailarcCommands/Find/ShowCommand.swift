import ArgumentParser
import Glibc
import MailarcKit

/// `mailarc show`
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one message, or give back its exact octets.",
        discussion: """
            EXAMPLES:
              mailarc show -a ~/mail.archive 5b1d0c
              mailarc show -a ~/mail.archive 5b1d0c --raw > message.eml
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The message's id or a unique prefix, from 'search' or 'list'.") var id: String
    @Flag(help: "Write the exact octets to standard output.") var raw = false

    func run() async throws {
        if raw {
            return try await archive.with { workspace throws(KitError) in
                try await workspace.octets(of: id) { Output.write($0, to: STDOUT_FILENO) }
            }
        }
        let message = try await archive.with { workspace throws(KitError) in
            try await workspace.show(id)
        }
        try output.output.render(message, command: "show", text: Self.lines)
    }

    private static func delivery(_ line: DeliveryLine) -> String {
        let way = [line.transport, line.tls].filter { !$0.isEmpty }.joined(separator: " ")
        return
            "\(line.time) from <\(line.sender)> for \(line.recipients.joined(separator: ", ")) (\(line.direction)) by "
            + line.client + (line.helloName.isEmpty ? "" : " \(line.helloName)") + (way.isEmpty ? "" : ", \(way)")
            + (line.keptUntil.map { ", kept until \($0)" } ?? "")
    }

    static func lines(_ shown: ShownMessage) -> [String] {
        let wanted = ["from", "to", "cc", "date", "subject", "message-id"]
        let headers = shown.headers.filter { wanted.contains($0.name.lowercased()) }.map {
            "\($0.name): \($0.value)"
        }
        let facts = Format.table(
            [
                ["id", shown.message.id], ["sha-256", shown.sha256],
                ["size", "\(Format.octets(shown.message.octets)), ledger leaf \(shown.ledgerIndex)"],
            ]
                + shown.occurrences.map { place in
                    [
                        "in",
                        "\(place.account):\(place.mailbox) UID \(place.uid) \(place.flags.joined(separator: " ")) "
                            + "since \(place.since)" + (place.until.map { " until \($0)" } ?? "")
                            + ", by \(place.channel)"
                            + (place.fidelity == "exact" ? "" : ", \(place.fidelity)"),
                    ]
                }
                + shown.occurrences.compactMap(\.delivery).map { ["delivered", delivery($0)] })
        let parts = shown.parts.map { part in
            "  \(part.path) \(part.type), \(Format.octets(part.octets))"
                + (part.fileName.map { ", \($0)" } ?? "")
        }
        return facts + [""] + headers + ["", shown.text + (shown.isTextTruncated ? "\n[…]" : "")]
            + (parts.count > 1 ? ["", "Parts:"] + parts : [])
            + (shown.defects.isEmpty ? [] : ["", "Defects:"] + shown.defects.map { "  " + $0 })
    }
}
