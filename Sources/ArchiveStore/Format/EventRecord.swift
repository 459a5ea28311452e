package import MailCore

/// The events of one commit group as a blob of kind 6 (ArchiveFormat.md §8.3).
///
/// ```
/// version 1 (1) ‖ flags 0 (1) ‖ le64 event sequence ‖ le64 time, seconds since 1970 ‖ writer id (8)
/// varint accounts: string each
/// varint mailboxes: varint account ‖ string raw octets ‖ delimiter(1; 0 none) ‖ string decoded UTF-8 each
/// varint events: type(1) ‖ varint length ‖ body each
/// ```
package struct EventRecord: Sendable, Hashable {
    /// LIMIT: ArchiveFormat.md §13; a group of 256 messages has some hundreds.
    package static let maximumEventCount = 65_536
    /// LIMIT: 65,536 events of 1 KiB; also what a reader holds in memory.
    package static let maximumLength = 64 << 20

    package var sequence: UInt64
    package var time: Int64
    /// 8 octets.
    package var writer: [UInt8]
    package var events: [OccurrenceEvent]

    package init(sequence: UInt64, time: Int64, writer: [UInt8], events: [OccurrenceEvent]) {
        (self.sequence, self.time, self.writer, self.events) = (sequence, time, writer, events)
    }

    package func encode() -> [UInt8] {
        var tables = EventTables()
        var bodies = ByteWriter(capacity: events.count * 64)
        for event in events {
            let (type, body) = EventBody.encode(event, &tables)
            bodies.u8(type)
            bodies.string(body)
        }
        var writer = ByteWriter(capacity: bodies.count + 1_024)
        writer.u8(1)
        writer.u8(0)
        writer.u64(sequence)
        writer.u64(UInt64(bitPattern: time))
        writer.bytes(self.writer)
        tables.encode(into: &writer)
        writer.varint(UInt64(events.count))
        writer.bytes(bodies.octets)
        return writer.octets
    }

    /// - Throws: `.unsupported` for other versions, flags and types ≥ 0x80; `.damaged`. Unknown types below are skipped.
    package init(decoding octets: [UInt8]) throws(ArchiveError) {
        guard octets.count <= Self.maximumLength else { throw Self.malformed }
        var reader = ByteReader(octets)
        guard let version = reader.u8(), let flags = reader.u8() else { throw Self.malformed }
        guard version == 1, flags == 0 else {
            throw ArchiveError(.unsupported, "event record version \(version), flags \(flags)")
        }
        guard let sequence = reader.u64(), let time = reader.u64(), let writer = reader.bytes(8),
            let tables = EventTables(decoding: &reader),
            let count = reader.count(limit: Self.maximumEventCount)
        else { throw Self.malformed }
        var events: [OccurrenceEvent] = []
        for _ in 0..<count {
            guard let type = reader.u8(), let body = reader.string() else { throw Self.malformed }
            guard type < 0x80 else { throw ArchiveError(.unsupported, "event type \(type)") }
            guard (1...10).contains(type) else { continue }
            guard let event = EventBody.decode(type, body, tables) else { throw Self.malformed }
            events.append(event)
        }
        guard reader.isAtEnd else { throw Self.malformed }
        self.init(
            sequence: sequence, time: Int64(bitPattern: time), writer: Array(writer), events: events)
    }

    static let malformed = ArchiveError(.damaged, "the event record is malformed")
}

/// The accounts and mailboxes the events of one record name, each once.
struct EventTables {
    struct Entry: Hashable {
        var account: Int
        var name: MailboxName
        // Names are equal without the delimiter; a record keeps both.
        var delimiter: UInt8?
    }

    private(set) var accounts: [String] = []
    private(set) var mailboxes: [Entry] = []
    private var accountIndices: [String: Int] = [:]
    private var mailboxIndices: [Entry: Int] = [:]

    init() {}

    mutating func index(_ account: String, _ name: MailboxName) -> UInt64 {
        let accountIndex = accountIndices[account] ?? accounts.count
        if accountIndex == accounts.count {
            accounts.append(account)
            accountIndices[account] = accountIndex
        }
        let entry = Entry(account: accountIndex, name: name, delimiter: name.delimiter)
        if let known = mailboxIndices[entry] { return UInt64(known) }
        mailboxIndices[entry] = mailboxes.count
        mailboxes.append(entry)
        return UInt64(mailboxes.count - 1)
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(accounts.count))
        for account in accounts { writer.string(account.utf8) }
        writer.varint(UInt64(mailboxes.count))
        for mailbox in mailboxes {
            writer.varint(UInt64(mailbox.account))
            writer.string(mailbox.name.octets)
            writer.u8(mailbox.delimiter ?? 0)
            writer.string(mailbox.name.text.utf8)
        }
    }

    init?(decoding reader: inout ByteReader) {
        guard let accountCount = reader.count(limit: EventRecord.maximumEventCount) else { return nil }
        for _ in 0..<accountCount {
            guard let name = reader.string().flatMap({ String(validating: $0, as: UTF8.self) }) else { return nil }
            accounts.append(name)
        }
        guard let mailboxCount = reader.count(limit: 2 * EventRecord.maximumEventCount) else { return nil }
        for _ in 0..<mailboxCount {
            guard let account = reader.count(limit: accounts.count - 1), let octets = reader.string(),
                let delimiter = reader.u8(), reader.string() != nil
            else { return nil }
            let name = MailboxName(octets: Array(octets), delimiter: delimiter == 0 ? nil : delimiter)
            mailboxes.append(Entry(account: account, name: name, delimiter: name.delimiter))
        }
    }
}
