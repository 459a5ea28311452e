package import MailMIME

/// What a journal report (envelope journaling of Exchange and Microsoft 365) tells of the message it encloses.
package struct JournalReport: Hashable, Sendable {
    /// Empty for the null reverse-path.
    package var sender: String
    /// Of To, Cc, Bcc and Recipient, in order, each once; lists are those that they were expanded to.
    package var recipients: [String]
    /// The enclosed message as it stands in the report, still transfer-encoded: octets from its start.
    package var original: Range<Int>
    /// How ``original`` is written.
    package var encoding: TransferEncoding

    /// What a message turned out to be.
    package enum Reading: Hashable, Sendable {
        /// No journal report: a message without the header field `X-MS-Journal-Report`.
        case other
        case report(JournalReport)
        /// It says that it is one, and is not as they are.
        case unreadable(String)
    }

    fileprivate struct Unreadable: Error { var reason: String }

    fileprivate init(_ message: ParsedMessage, _ text: ReportText) throws(Unreadable) {
        let parts = message.children(of: message.root)
        guard message.root.contentType.essence == "multipart/mixed", parts.count >= 2,
            parts[0].contentType.essence == "text/plain",
            ["message/rfc822", "message/global"].contains(parts[1].contentType.essence)
        else { throw Unreadable(reason: "it is no multipart/mixed of a text and a message") }
        guard parts[parts.count - 1].bodyRange.upperBound < message.octetCount else {
            throw Unreadable(reason: "its end is missing")
        }
        (original, encoding) = (parts[1].bodyRange, parts[1].transferEncoding)
        guard !original.isEmpty else { throw Unreadable(reason: "the enclosed message is empty") }
        guard encoding.isIdentity || encoding == .base64 || encoding == .quotedPrintable else {
            throw Unreadable(reason: "the enclosed message is written in an unknown encoding")
        }
        guard !text.isTooLong else { throw Unreadable(reason: "its text has more than \(ReportText.limit) octets") }
        let octets = TransferDecoder.decode(text.octets, parts[0].transferEncoding)
        let envelope = try Self.envelope(Charset.decode(octets, label: parts[0].contentType.charset).text)
        (sender, recipients) = (envelope.sender, envelope.recipients)
    }

    // line = name ":" address [", Expanded:" address] [", Forwarded:" address]
    private static func envelope(_ text: String) throws(Unreadable) -> (sender: String, recipients: [String]) {
        var (sender, hasMessageID): (String?, Bool) = (nil, false)
        var (recipients, known): ([String], Set<String>) = ([], [])
        for line in Array(text.utf8).split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let body = line[(colon + 1)...]
            switch name {
            case "sender":
                guard sender == nil else { throw Unreadable(reason: "it has two senders") }
                sender = try addresses(body).first ?? ""
            case "message-id": hasMessageID = true
            case "to", "cc", "bcc", "recipient":
                for address in try addresses(body) where known.insert(address).inserted { recipients.append(address) }
            // On-Behalf-Of is a sender, too; it stays in the report.
            default: break
            }
        }
        guard let sender, hasMessageID, !recipients.isEmpty else {
            throw Unreadable(reason: "its text lacks Sender, Message-ID or recipients")
        }
        return (sender, recipients)
    }

    /// Those that stand before `Expanded:`, which reads as the name of a group.
    private static func addresses(_ body: ArraySlice<UInt8>) throws(Unreadable) -> [String] {
        let mailboxes = AddressParser.parse(body).filter { $0.group == nil }.map(\.mailbox)
        guard mailboxes.allSatisfy({ $0.contains("@") }) else {
            throw Unreadable(reason: "its text has a line without an address")
        }
        return mailboxes
    }
}

/// Reads a message as a journal report while it passes. Total; linear; any chunking gives the same.
package struct JournalReader {
    private var parser: MessageParser
    private var text = ReportText()

    package init() {
        var limits = ParserLimits()
        // LIMIT: the report and its parts: nothing inside the enclosed message can pass for a part of the report.
        limits.nestingDepth = 2
        // LIMIT: many reports are read side by side; the fields that count stand early.
        (limits.headerOctetCount, limits.totalHeaderOctetCount) = (256 << 10, 256 << 10)
        limits.partCount = 100
        parser = MessageParser(limits: limits)
    }

    package mutating func consume(_ octets: [UInt8]) { parser.consume(octets.span, into: &text) }

    package mutating func finish() -> JournalReport.Reading {
        let message = parser.finish(into: &text)
        guard message.header.first("x-ms-journal-report") != nil else { return .other }
        do throws(JournalReport.Unreadable) { return .report(try JournalReport(message, text)) } catch {
            return .unreadable(error.reason)
        }
    }
}

/// The octets of the first part's body.
private struct ReportText: MessageEventHandler {
    /// LIMIT: some 6,000 recipients; Exchange sends several reports for fewer.
    static let limit = 256 << 10

    private(set) var octets: [UInt8] = []
    private(set) var isTooLong = false
    private var isInside = false

    mutating func structure(_ octets: Span<UInt8>, at offset: Int) {}
    mutating func bodyStart(_ part: BodyPart) { isInside = part.index == 1 }
    mutating func body(_ octets: Span<UInt8>, at offset: Int) {
        guard isInside, !isTooLong else { return }
        isTooLong = self.octets.count + octets.count > Self.limit
        guard !isTooLong else { return }
        for index in octets.indices { self.octets.append(octets[index]) }
    }
    mutating func bodyEnd(_ part: Int) { isInside = false }
}
