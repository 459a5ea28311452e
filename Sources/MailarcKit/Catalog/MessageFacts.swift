import ArchiveCatalog
import ArchiveStore
import MailCore
import MailMIME

/// Makes the catalog's row of a message from what parsing it showed.
///
/// Ingest and rebuild both come here, so a rebuilt catalog equals the one it replaces.
struct MessageFacts {
    var parsed: ParsedMessage
    var text: MailMIME.IndexedText
    /// Key ids of the parts its recipe refers to, in order.
    var parts: [RandomID]

    /// The row, without what only the commit knows: see ``settled(_:leafIndex:archivedAt:)``.
    func entry(keyID: RandomID, octetCount: UInt64) -> CatalogEntry {
        let envelope = parsed.envelope
        return CatalogEntry(
            keyID: keyID, leafIndex: 0, octetCount: octetCount, date: envelope.date?.secondsSinceEpoch ?? Self.noDate,
            messageID: envelope.messageID, subject: envelope.subject ?? "", from: Self.text(envelope.from),
            to: Self.text(envelope.to), cc: Self.text(envelope.cc + envelope.bcc), archivedAt: 0,
            defectCount: parsed.defects.count, attachmentCount: parsed.attachments.count,
            references: parts, text: indexed(envelope))
    }

    /// `entry` with its ledger leaf and time; the time stands in for a Date field that cannot be read.
    static func settled(_ entry: CatalogEntry, leafIndex: UInt64, archivedAt: Int64) -> CatalogEntry {
        var entry = entry
        (entry.leafIndex, entry.archivedAt) = (leafIndex, archivedAt)
        if entry.date == noDate { entry.date = archivedAt }
        return entry
    }

    private static let noDate = Int64.min

    private func indexed(_ envelope: Envelope) -> ArchiveCatalog.IndexedText {
        ArchiveCatalog.IndexedText(
            subject: text.subject, from: text.from, to: Self.text(envelope.to),
            cc: Self.text(envelope.cc + envelope.bcc), body: text.body, attachment: text.attachmentText,
            fileNames: text.attachmentNames.joined(separator: "\n"))
    }

    private static func text(_ addresses: [Address]) -> String {
        addresses.map(\.description).joined(separator: ", ")
    }
}

extension MessageFacts {
    /// What the index says of an archived message: as ``read(_:)``, without reading attachments that hold no text.
    ///
    /// The ranges of its parts are not those of the message.
    static func readForIndex(_ message: MessageReader) throws(ArchiveError) -> MessageFacts {
        var parser = MessageParser()
        var text = IndexText()
        while let octets = try message.next(where: { text.wantsOctets || !parser.isInBody }) {
            parser.consume(octets.span, into: &text)
        }
        let parsed = parser.finish(into: &text)
        return MessageFacts(parsed: parsed, text: text.finish(parsed), parts: message.parts)
    }

    /// Parses an archived message as it was parsed when it came.
    static func read(_ message: MessageReader) throws(ArchiveError) -> MessageFacts {
        var parser = MessageParser()
        var text = IndexText()
        while let octets = try message.next() { parser.consume(octets.span, into: &text) }
        let parsed = parser.finish(into: &text)
        return MessageFacts(parsed: parsed, text: text.finish(parsed), parts: message.parts)
    }
}
