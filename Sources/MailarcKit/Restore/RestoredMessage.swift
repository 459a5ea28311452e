import ArchiveStore
import MailCore

/// A message of the archive on its way to an account, in wire form.
final class RestoredMessage: OutgoingMessage {
    /// LIMIT: messages up to here are held; larger ones are read twice, once to be measured and once to be sent.
    private static let heldOctetCount = 1 << 20

    let index: Int
    let id: RandomID
    let flags: FlagSet
    let internalDate: InternalDate?
    let facts: WireFacts
    private let reader: ArchiveReader
    private let held: [UInt8]?

    var octetCount: Int { facts.octetCount }
    var traits: OctetTraits { facts.traits }

    /// Reads the message once, which also verifies it.
    init(_ index: Int, _ wanted: WantedMessage, reader: ArchiveReader) throws(ArchiveError) {
        (self.index, id, flags, internalDate) = (index, wanted.id, wanted.flags, wanted.internalDate)
        self.reader = reader
        let meter = WireMeter(wantsLikeness: false)
        let message = try reader.message(wanted.id)
        var octets: [UInt8]? = []
        while let piece = try message.next() {
            let wire = meter.take(piece)
            if let count = octets?.count, count + wire.count > Self.heldOctetCount { octets = nil }
            octets?.append(contentsOf: wire)
        }
        held = octets
        facts = try meter.finish().completed(wanted.id, reader)
    }

    func open() throws(StoreError) -> any OctetSource {
        if let held { return HeldOctets(held) }
        do { return ArchivedOctets(try reader.message(id)) } catch {
            throw StoreError(.ioFailed, "A message cannot be read", cause: error)
        }
    }

    /// What `id` is in wire form; with the likeness where it may come back in another form.
    static func facts(_ id: RandomID, _ reader: ArchiveReader) throws(ArchiveError) -> WireFacts {
        let facts = try measure(id, reader, wantsLikeness: false)
        return facts.traits.isFragile ? try measure(id, reader, wantsLikeness: true) : facts
    }

    private static func measure(
        _ id: RandomID, _ reader: ArchiveReader, wantsLikeness: Bool
    ) throws(ArchiveError) -> WireFacts {
        let meter = WireMeter(wantsLikeness: wantsLikeness)
        let message = try reader.message(id)
        while let piece = try message.next() { meter.take(piece) }
        return try meter.finish().completed(id, reader)
    }
}

extension WireFacts {
    /// With what only a message with NUL is read again for.
    fileprivate func completed(_ id: RandomID, _ reader: ArchiveReader) throws(ArchiveError) -> WireFacts {
        guard traits.hasNUL else { return self }
        var (facts, finder) = (self, DeclaredBinary())
        let message = try reader.message(id)
        while let piece = try message.next() { finder.take(piece) }
        facts.traits.isDeclaredBinary = finder.finish()
        return facts
    }
}

/// Octets that are there.
private final class HeldOctets: OctetSource {
    private var rest: [UInt8]?

    init(_ octets: [UInt8]) { rest = octets }

    func next() throws(StoreError) -> [UInt8]? {
        defer { rest = nil }
        return rest.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Octets of the archive, converted as they come.
private final class ArchivedOctets: OctetSource {
    private let message: MessageReader
    private var form = WireForm()

    init(_ message: MessageReader) { self.message = message }

    func next() throws(StoreError) -> [UInt8]? {
        do { return try message.next().map { form.convert($0) } } catch {
            throw StoreError(.ioFailed, "A message cannot be read", cause: error)
        }
    }
}
