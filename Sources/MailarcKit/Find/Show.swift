import ArchiveCatalog
import ArchiveStore
import MailCore
import MailMIME

extension Workspace {
    /// The message named by `id` in full.
    public func show(_ id: String) async throws(KitError) -> ShownMessage {
        let entry = try entry(id)
        let (parsed, text, digest) = try parse(entry.keyID)
        let places: [PlacementRow]
        let deliveries: [OccurrenceAddress: DeliveryFacts]
        do {
            places = try catalog.occurrences(of: entry.keyID)
            deliveries = Dictionary(
                try catalog.deliveries(of: entry.keyID).map { ($0.address, $0.facts) }
            ) { first, _ in first }
        } catch { throw KitError(error) }
        return ShownMessage(
            message: MessageRow(entry, places: places), headers: Self.headers(parsed.header), text: text.body,
            isTextTruncated: text.isTruncated, parts: Self.parts(parsed),
            occurrences: places.map { OccurrenceLine($0, deliveries[$0.address]) },
            defects: parsed.defects.map { "\($0.kind.rawValue) at octet \($0.offset)" }, sha256: digest.hex,
            ledgerIndex: entry.leafIndex)
    }

    /// Gives the exact octets of the message named by `id` to `sink`, piece by piece.
    ///
    /// The last piece comes only after the whole was verified.
    public func octets(of id: String, _ sink: ([UInt8]) throws -> Void) async throws(KitError) {
        let entry = try entry(id)
        do {
            let message = try reader().message(entry.keyID)
            var held: [UInt8]?
            while let octets = try message.next() {
                if let held { try sink(held) }
                held = octets
            }
            if let held { try sink(held) }
        } catch let error as ArchiveError {
            throw KitError(error, at: path)
        } catch { throw KitError(.ioFailed, "the message cannot be written", cause: error) }
    }

    func reader() -> ArchiveReader {
        ArchiveReader(archive, directory: CatalogDirectory(catalog: catalog))
    }

    private func parse(
        _ message: RandomID
    ) throws(KitError) -> (ParsedMessage, MailMIME.IndexedText, ContentDigest) {
        do {
            let message = try reader().message(message)
            let facts = try MessageFacts.read(message)
            let (parsed, text) = (facts.parsed, facts.text)
            return (parsed, text, message.digest)
        } catch { throw KitError(error, at: path) }
    }

    private static func headers(_ header: HeaderFields) -> [HeaderLine] {
        header.fields.map { field in
            HeaderLine(name: header.name(of: field), value: header.decoded(field))
        }
    }

    private static func parts(_ message: ParsedMessage) -> [PartRow] {
        message.parts.map { part in
            PartRow(
                path: path(of: part, in: message), type: "\(part.contentType.type)/\(part.contentType.subtype)",
                encoding: part.transferEncoding.name, octets: part.bodyRange.count, fileName: part.fileName)
        }
    }

    /// The part's number as IMAP counts (RFC 9051 §6.4.5), `0` for the message itself.
    private static func path(of part: BodyPart, in message: ParsedMessage) -> String {
        var numbers: [Int] = []
        var current = part
        while let parent = current.parentIndex.map({ message.parts[$0] }) {
            numbers.insert((parent.childIndices.firstIndex(of: current.index) ?? 0) + 1, at: 0)
            current = parent
        }
        return numbers.isEmpty ? "0" : numbers.map(String.init).joined(separator: ".")
    }
}

extension HeaderFields {
    /// The body of `field`, unfolded and decoded.
    func decoded(_ field: Field) -> String {
        EncodedWord.decode(body(of: field)).split(whereSeparator: \.isNewline)
            .map { String($0).trimmingPrefix(while: \.isWhitespace) }.joined(separator: " ")
    }
}

extension OccurrenceLine {
    init(_ place: PlacementRow, _ facts: DeliveryFacts?) {
        self.init(
            account: place.address.account, mailbox: place.address.mailbox.text,
            uidValidity: place.address.uidValidity.value, uid: place.address.uid.value,
            flags: place.flags.flags.map(\.name), internalDate: place.internalDate?.description,
            since: Clock.text(place.since), until: place.until.map(Clock.text), movedTo: nil,
            channel: "\(place.channel)", fidelity: "\(place.fidelity)", delivery: facts.map(DeliveryLine.init))
    }
}

extension DeliveryLine {
    init(_ facts: DeliveryFacts) {
        self.init(
            direction: "\(facts.direction)", sender: facts.sender, recipients: facts.recipients, client: facts.client,
            helloName: facts.helloName, transport: facts.transport, tls: facts.tls, time: Clock.text(facts.time),
            keptUntil: facts.keptUntil.map(Clock.text))
    }
}
