import ArgumentParser
import MailarcKit

/// Commands that find mail and give it back.
enum FindGroup {
    static let commands: [any ParsableCommand.Type] = [
        SearchCommand.self, ShowCommand.self, ListCommand.self, ExportCommand.self, RestoreCommand.self,
    ]
}

/// Rows of messages as text.
enum MessageText {
    /// - Parameter showsFlags: with what each message was marked, in a last column.
    static func lines(_ rows: [MessageRow], showsFlags: Bool = false) -> [String] {
        Format.table(
            rows.map { cells($0) + (showsFlags ? [$0.flags.joined(separator: " ")] : []) }, right: [4])
    }

    private static func cells(_ row: MessageRow) -> [String] {
        let subject = row.subject.isEmpty ? "(no subject)" : row.subject
        let day = String((row.date ?? "no date").prefix(10))
        let place = row.mailboxes.first ?? ""
        return [
            String(row.id.prefix(12)), day, Format.clipped(row.from, to: 28), Format.clipped(subject, to: 60),
            Format.octets(row.octets), place,
        ]
    }
}
