/// What of a message goes into the search index.
public struct IndexedText: Sendable, Hashable {
    public var subject = ""
    /// Names and addresses of From, Sender, Reply-To.
    public var from = ""
    /// Names and addresses of To, Cc, Bcc.
    public var to = ""
    /// The text people read: bodies, and subjects and senders of enclosed messages.
    public var body = ""
    public var attachmentNames: [String] = []
    /// The text of text attachments.
    public var attachmentText = ""
    /// True when a limit cut something off.
    public var isTruncated = false
}

/// How much of a message is indexed.
public struct IndexTextLimits: Sendable, Hashable {
    /// Octets of body text, all parts together, after stripping.
    ///
    /// LIMIT: people write less; lists of a million words make an index grow, not better.
    public var bodyOctetCount = 1 << 20
    /// Octets of one HTML part that are read; markup is many times the text.
    public var htmlOctetCount = 4 << 20
    /// Octets of one text attachment, and of all of them times four.
    public var attachmentOctetCount = 256 << 10
    /// Octets decoded and held at once, of all parts.
    ///
    /// LIMIT: bounds the memory of one message.
    public var totalOctetCount = 8 << 20

    public init() {}
}

/// Collects the text to index while a message streams through the parser; memory is bounded by the limits.
///
/// Text/plain is preferred: the HTML alternative of a plain sibling is left out, HTML without one is stripped.
public struct IndexText: MessageEventHandler, Sendable {
    private struct Collected: Sendable {
        var part: Int
        var octets: [UInt8] = []
    }
    private let limits: IndexTextLimits
    private var collected: [Collected] = []
    private var decoder: TransferDecoder?
    /// Octets the current part may still add.
    private var room = 0
    private var total = 0
    private var isTruncated = false

    public init(limits: IndexTextLimits = IndexTextLimits()) { self.limits = limits }

    /// False while the octets that pass say nothing to the index.
    public var wantsOctets: Bool { decoder != nil }

    public mutating func structure(_ octets: Span<UInt8>, at offset: Int) {}

    public mutating func bodyStart(_ part: BodyPart) {
        guard part.contentType.type == "text" else { return }
        let limit =
            part.isAttachment
            ? limits.attachmentOctetCount
            : part.contentType.subtype == "html" ? limits.htmlOctetCount : limits.bodyOctetCount
        room = min(limit, limits.totalOctetCount - total)
        guard room > 0 else {
            isTruncated = true
            return
        }
        decoder = TransferDecoder(part.transferEncoding)
        collected.append(Collected(part: part.index))
    }

    public mutating func body(_ octets: Span<UInt8>, at offset: Int) {
        guard var active = decoder else { return }
        decoder = nil
        let last = collected.count - 1
        let before = collected[last].octets.count
        active.consume(octets, into: &collected[last].octets)
        let added = collected[last].octets.count - before
        guard added <= room else {
            collected[last].octets.removeLast(added - room)
            total += room
            isTruncated = true
            return
        }
        room -= added
        total += added
        decoder = active
    }

    public mutating func bodyEnd(_ part: Int) {
        guard var active = decoder else { return }
        let last = collected.count - 1
        _ = active.finish(into: &collected[last].octets)
        decoder = nil
    }

    /// The text, once the parser has finished with `message`.
    public func finish(_ message: ParsedMessage) -> IndexedText {
        var result = IndexedText()
        result.isTruncated = isTruncated
        let envelope = message.envelope
        result.subject = envelope.subject ?? ""
        result.from = Self.text(envelope.from + envelope.sender + envelope.replyTo)
        result.to = Self.text(envelope.to + envelope.cc + envelope.bcc)
        result.attachmentNames = message.parts.compactMap { $0.isMultipart ? nil : $0.fileName }
        for part in message.parts where part.parentIndex.map({ message.parts[$0].isEnclosedMessage }) ?? false {
            let inner = Envelope(part.header)
            append([inner.subject ?? "", Self.text(inner.from)].joined(separator: "\n"), to: &result)
        }
        let plain = alternativesWithPlainText(message)
        for item in collected {
            let part = message.parts[item.part]
            if part.isAttachment {
                let room = limits.attachmentOctetCount * 4 - result.attachmentText.utf8.count
                if room <= 0 { result.isTruncated = true } else { result.attachmentText += text(item, part) + "\n" }
            } else if part.contentType.subtype != "html"
                || !Self.ancestors(part, message).contains(where: plain.contains)
            {
                append(text(item, part), to: &result)
            }
        }
        return result
    }

    private func append(_ text: String, to result: inout IndexedText) {
        let room = limits.bodyOctetCount - result.body.utf8.count
        guard !text.isEmpty else { return }
        if text.utf8.count > room {
            result.isTruncated = true
            result.body += String(decoding: text.utf8.prefix(max(0, room)), as: UTF8.self)
        } else {
            result.body += text + "\n"
        }
    }

    private func text(_ item: Collected, _ part: BodyPart) -> String {
        guard part.contentType.subtype == "html" else {
            return Charset.decode(item.octets, label: part.contentType.charset).text
        }
        let charset = part.contentType.charset ?? HTMLText.declaredCharset(item.octets)
        return HTMLText.text(of: Charset.decode(item.octets, label: charset).text)
    }

    /// The multipart/alternatives with a plain text that says something.
    private func alternativesWithPlainText(_ message: ParsedMessage) -> Set<Int> {
        var result: Set<Int> = []
        for item in collected {
            let part = message.parts[item.part]
            guard part.contentType.subtype == "plain", !part.isAttachment,
                item.octets.contains(where: { !ASCII.isSpace($0) })
            else { continue }
            for ancestor in Self.ancestors(part, message)
            where message.parts[ancestor].contentType.subtype == "alternative" { result.insert(ancestor) }
        }
        return result
    }

    private static func ancestors(_ part: BodyPart, _ message: ParsedMessage) -> [Int] {
        var result: [Int] = []
        var index = part.parentIndex
        while let parent = index, !message.parts[parent].isEnclosedMessage {
            result.append(parent)
            index = message.parts[parent].parentIndex
        }
        return result
    }

    private static func text(_ addresses: [Address]) -> String {
        addresses.map { [$0.displayName ?? "", $0.mailbox].filter { !$0.isEmpty }.joined(separator: " ") }
            .joined(separator: "\n")
    }
}

/// Sends one parser's events to two handlers.
public struct PairHandler<First: MessageEventHandler, Second: MessageEventHandler>: MessageEventHandler {
    public var first: First
    public var second: Second

    public init(_ first: First, _ second: Second) { (self.first, self.second) = (first, second) }

    public mutating func structure(_ octets: Span<UInt8>, at offset: Int) {
        first.structure(octets, at: offset)
        second.structure(octets, at: offset)
    }
    public mutating func bodyStart(_ part: BodyPart) {
        first.bodyStart(part)
        second.bodyStart(part)
    }
    public mutating func body(_ octets: Span<UInt8>, at offset: Int) {
        first.body(octets, at: offset)
        second.body(octets, at: offset)
    }
    public mutating func bodyEnd(_ part: Int) {
        first.bodyEnd(part)
        second.bodyEnd(part)
    }
}
