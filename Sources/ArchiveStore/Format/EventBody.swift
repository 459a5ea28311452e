import MailCore

/// The bodies of the events in an event record (ArchiveFormat.md §8.3).
///
/// | type | body |
/// |---|---|
/// | 1 placed | message key id(16) ‖ mailbox ‖ le32 UIDVALIDITY ‖ le32 UID ‖ le64 MODSEQ ‖ flags ‖ date ‖ channel(1) ‖ fidelity(1) ‖ extensions |
/// | 2 flags changed | mailbox ‖ le32 UIDVALIDITY ‖ le32 UID ‖ le64 MODSEQ ‖ flags ‖ extensions |
/// | 3 gone | mailbox ‖ le32 UIDVALIDITY ‖ le32 UID ‖ moved(1); if 1: mailbox ‖ le32 UIDVALIDITY ‖ le32 UID |
/// | 4 mailbox created | mailbox ‖ string role ‖ le32 UIDVALIDITY |
/// | 5 mailbox renamed | mailbox from ‖ mailbox to |
/// | 6 mailbox deleted | mailbox |
/// | 7 UIDVALIDITY changed | mailbox ‖ le32 from ‖ le32 to ‖ varint pairs: le32 old UID ‖ le32 new UID |
/// | 8 quarantined | mailbox ‖ le32 UIDVALIDITY ‖ le32 UID ‖ string reason ‖ string detail |
/// | 9 UIDs given | mailbox ‖ le32 UIDVALIDITY ‖ le32 next UID |
/// | 10 delivered | mailbox ‖ le32 UIDVALIDITY ‖ le32 UID ‖ le64 time ‖ direction(1) ‖ string sender ‖ strings recipients ‖ string client ‖ string hello name ‖ string transport ‖ string TLS ‖ extensions (1: kept until, le64 time) |
enum EventBody {
    static func encode(_ event: OccurrenceEvent, _ tables: inout EventTables) -> (type: UInt8, body: [UInt8]) {
        var body = ByteWriter(capacity: 96)
        switch event {
        case .placed(let message, let address, let flags, let date, let modSeq, let channel, let fidelity):
            body.bytes(message.octets)
            write(address, &tables, &body)
            body.u64(modSeq?.value ?? 0)
            write(flags, &body)
            write(date, &body)
            body.u8(channel.rawValue)
            body.u8(fidelity.rawValue)
            body.varint(0)
            return (1, body.octets)
        case .flagsChanged(let address, let flags, let modSeq):
            write(address, &tables, &body)
            body.u64(modSeq?.value ?? 0)
            write(flags, &body)
            body.varint(0)
            return (2, body.octets)
        case .gone(let address, let target):
            write(address, &tables, &body)
            body.u8(target == nil ? 0 : 1)
            if let target { write(target, &tables, &body) }
            return (3, body.octets)
        case .quarantined(let address, let refusal):
            write(address, &tables, &body)
            body.string(refusal.reason.rawValue.utf8)
            body.string(refusal.detail.utf8)
            return (8, body.octets)
        case .delivered(let address, let facts):
            write(address, &tables, &body)
            write(facts, &body)
            return (10, body.octets)
        default:
            return encodeMailboxEvent(event, &tables)
        }
    }

    private static func encodeMailboxEvent(
        _ event: OccurrenceEvent, _ tables: inout EventTables
    ) -> (type: UInt8, body: [UInt8]) {
        var body = ByteWriter(capacity: 32)
        switch event {
        case .mailboxCreated(let account, let mailbox, let role, let uidValidity):
            body.varint(tables.index(account, mailbox))
            body.string((role?.rawValue ?? "").utf8)
            body.u32(uidValidity.value)
            return (4, body.octets)
        case .mailboxRenamed(let account, let from, let target):
            body.varint(tables.index(account, from))
            body.varint(tables.index(account, target))
            return (5, body.octets)
        case .mailboxDeleted(let account, let mailbox):
            body.varint(tables.index(account, mailbox))
            return (6, body.octets)
        case .uidValidityChanged(let account, let mailbox, let from, let target, let mapping):
            body.varint(tables.index(account, mailbox))
            body.u32(from.value)
            body.u32(target.value)
            body.varint(UInt64(mapping.count))
            for (old, new) in mapping.sorted(by: { $0.key < $1.key }) {
                body.u32(old.value)
                body.u32(new.value)
            }
            return (7, body.octets)
        case .uidsGiven(let account, let mailbox, let uidValidity, let next):
            body.varint(tables.index(account, mailbox))
            body.u32(uidValidity.value)
            body.u32(next.value)
            return (9, body.octets)
        case .placed, .flagsChanged, .gone, .quarantined, .delivered:
            preconditionFailure("message events are encoded by the caller")
        }
    }

    private static func write(_ address: OccurrenceAddress, _ tables: inout EventTables, _ body: inout ByteWriter) {
        body.varint(tables.index(address.account, address.mailbox))
        body.u32(address.uidValidity.value)
        body.u32(address.uid.value)
    }

    private static func write(_ facts: DeliveryFacts, _ body: inout ByteWriter) {
        body.u64(UInt64(bitPattern: facts.time))
        body.u8(facts.direction.rawValue)
        body.string(facts.sender.utf8)
        body.varint(UInt64(facts.recipients.count))
        for recipient in facts.recipients { body.string(recipient.utf8) }
        for text in [facts.client, facts.helloName, facts.transport, facts.tls] { body.string(text.utf8) }
        body.varint(facts.keptUntil == nil ? 0 : 1)
        guard let end = facts.keptUntil else { return }
        body.u8(keptUntil)
        var time = ByteWriter(capacity: 8)
        time.u64(UInt64(bitPattern: end))
        body.string(time.octets)
    }

    /// The extension of *delivered* that says until when a rule keeps the message.
    fileprivate static let keptUntil: UInt8 = 1

    private static func write(_ flags: FlagSet, _ body: inout ByteWriter) {
        body.varint(UInt64(flags.flags.count))
        for flag in flags.flags { body.string(flag.name.utf8) }
    }

    private static func write(_ date: InternalDate?, _ body: inout ByteWriter) {
        body.u8(date == nil ? 0 : 1)
        guard let date else { return }
        body.u64(UInt64(bitPattern: date.secondsSinceEpoch))
        body.u16(UInt16(bitPattern: date.zoneOffset))
        body.string((date.raw ?? "").utf8)
    }
}

extension EventBody {
    /// `nil` if the body is malformed; octets behind what this version knows are left alone.
    static func decode(_ type: UInt8, _ octets: ArraySlice<UInt8>, _ tables: EventTables) -> OccurrenceEvent? {
        var cursor = EventCursor(reader: ByteReader(octets), tables: tables)
        switch type {
        case 1:
            guard let id = cursor.reader.bytes(16).flatMap({ RandomID(octets: Array($0)) }),
                let address = cursor.address(), let modSeq = cursor.reader.u64(), let flags = cursor.flags(),
                let date = cursor.date(), let channel = cursor.reader.u8().flatMap(Channel.init),
                let fidelity = cursor.reader.u8().flatMap(Fidelity.init), cursor.skipExtensions()
            else { return nil }
            return .placed(
                message: id, at: address, flags: flags, internalDate: date.value, modSeq: ModSeq(modSeq),
                channel: channel, fidelity: fidelity)
        case 2:
            guard let address = cursor.address(), let modSeq = cursor.reader.u64(), let flags = cursor.flags(),
                cursor.skipExtensions()
            else { return nil }
            return .flagsChanged(at: address, flags: flags, modSeq: ModSeq(modSeq))
        case 3:
            guard let address = cursor.address(), let moved = cursor.reader.u8(), moved <= 1 else { return nil }
            if moved == 0 { return .gone(at: address, movedTo: nil) }
            return cursor.address().map { .gone(at: address, movedTo: $0) }
        case 8:
            guard let address = cursor.address(), let reason = cursor.text().flatMap(Refusal.Reason.init),
                let detail = cursor.text()
            else { return nil }
            return .quarantined(at: address, refusal: Refusal(reason, detail: detail))
        case 10:
            guard let address = cursor.address(), var facts = cursor.facts(), let extensions = cursor.extensions()
            else { return nil }
            facts.keptUntil = extensions[keptUntil].flatMap {
                var reader = ByteReader($0)
                return reader.u64().map(Int64.init(bitPattern:))
            }
            return .delivered(at: address, facts: facts)
        default: return decodeMailboxEvent(type, &cursor)
        }
    }

    private static func decodeMailboxEvent(_ type: UInt8, _ cursor: inout EventCursor) -> OccurrenceEvent? {
        guard let (account, mailbox) = cursor.mailbox() else { return nil }
        switch type {
        case 4:
            guard let role = cursor.text(), let uidValidity = cursor.reader.u32() else { return nil }
            return .mailboxCreated(
                account: account, mailbox: mailbox, role: MailboxRole(rawValue: role),
                uidValidity: UIDValidity(uidValidity))
        case 5:
            guard let (other, target) = cursor.mailbox(), other == account else { return nil }
            return .mailboxRenamed(account: account, from: mailbox, to: target)
        case 6: return .mailboxDeleted(account: account, mailbox: mailbox)
        case 9:
            guard let uidValidity = cursor.reader.u32(), let next = cursor.reader.u32().flatMap({ UID($0) }) else {
                return nil
            }
            return .uidsGiven(account: account, mailbox: mailbox, uidValidity: UIDValidity(uidValidity), next: next)
        default:
            guard let from = cursor.reader.u32(), let target = cursor.reader.u32(),
                let count = cursor.reader.count(limit: cursor.reader.remaining / 8)
            else { return nil }
            var mapping: [UID: UID] = [:]
            for _ in 0..<count {
                guard let old = cursor.reader.u32().flatMap({ UID($0) }),
                    let new = cursor.reader.u32().flatMap({ UID($0) })
                else { return nil }
                mapping[old] = new
            }
            return .uidValidityChanged(
                account: account, mailbox: mailbox, from: UIDValidity(from), to: UIDValidity(target), mapping: mapping)
        }
    }
}

/// Reads the fields that event bodies share.
private struct EventCursor {
    var reader: ByteReader
    let tables: EventTables

    mutating func mailbox() -> (account: String, name: MailboxName)? {
        guard let index = reader.count(limit: tables.mailboxes.count - 1) else { return nil }
        let entry = tables.mailboxes[index]
        return (tables.accounts[entry.account], entry.name)
    }

    mutating func address() -> OccurrenceAddress? {
        guard let (account, name) = mailbox(), let uidValidity = reader.u32(),
            let uid = reader.u32().flatMap({ UID($0) })
        else { return nil }
        return OccurrenceAddress(
            account: account, mailbox: name, uidValidity: UIDValidity(uidValidity), uid: uid)
    }

    mutating func text() -> String? { reader.string().flatMap { String(validating: $0, as: UTF8.self) } }

    mutating func texts() -> [String]? {
        guard let count = reader.count(limit: reader.remaining) else { return nil }
        var result: [String] = []
        for _ in 0..<count {
            guard let text = text() else { return nil }
            result.append(text)
        }
        return result
    }

    mutating func flags() -> FlagSet? { texts().map { FlagSet($0.map { Flag($0) }) } }

    mutating func facts() -> DeliveryFacts? {
        guard let time = reader.u64(), let direction = reader.u8().flatMap(DeliveryFacts.Direction.init),
            let sender = text(), let recipients = texts(), let client = text(), let helloName = text(),
            let transport = text(), let tls = text()
        else { return nil }
        return DeliveryFacts(
            direction: direction, sender: sender, recipients: recipients, client: client, helloName: helloName,
            transport: transport, tls: tls, time: Int64(bitPattern: time))
    }

    mutating func date() -> (value: InternalDate?, Void)? {
        guard let present = reader.u8(), present <= 1 else { return nil }
        if present == 0 { return (nil, ()) }
        guard let seconds = reader.u64(), let zone = reader.u16(), let raw = text() else { return nil }
        let date = InternalDate(
            secondsSinceEpoch: Int64(bitPattern: seconds), zoneOffset: Int16(bitPattern: zone),
            raw: raw.isEmpty ? nil : raw)
        return (date, ())
    }

    /// By type; `nil` where they are malformed.
    mutating func extensions() -> [UInt8: ArraySlice<UInt8>]? {
        guard let count = reader.count(limit: reader.remaining) else { return nil }
        var result: [UInt8: ArraySlice<UInt8>] = [:]
        for _ in 0..<count {
            guard let type = reader.u8(), let octets = reader.string() else { return nil }
            result[type] = octets
        }
        return result
    }

    mutating func skipExtensions() -> Bool { extensions() != nil }
}
