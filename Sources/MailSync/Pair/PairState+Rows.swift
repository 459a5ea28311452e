import GRDB
import MailCore

/// A mailbox as the state keeps it.
struct PairMailboxRow: Sendable {
    var id: Int64
    var side: PairSide
    var base: BaseMailbox

    init(_ row: Row) {
        id = row[0]
        side = PairSide(rawValue: row[1]) ?? .a
        base = BaseMailbox(
            name: MailboxName(
                octets: [UInt8](hex: row[2]) ?? [], delimiter: (row[3] as Int64?).map { UInt8(truncatingIfNeeded: $0) }),
            role: (row[4] as String?).flatMap(MailboxRole.init(rawValue:)), mailboxID: row[5],
            uidValidity: UIDValidity(UInt32(truncatingIfNeeded: row[6] as Int64)))
        guard let validity = row[7] as Int64? else { return }
        base.status = MailboxStatus(
            uidValidity: UIDValidity(UInt32(truncatingIfNeeded: validity)),
            uidNext: (row[8] as Int64?).flatMap { UID(UInt32(truncatingIfNeeded: $0)) },
            messageCount: row[9] ?? 0,
            highestModSeq: (row[10] as Int64?).flatMap { ModSeq(UInt64(bitPattern: $0)) })
    }
}

extension LinkEnd {
    /// Eight columns from `start`.
    init?(_ row: Row, _ start: Int) {
        guard let mailbox = row[start] as Int64? else { return nil }
        self.init(
            mailbox: mailbox,
            uidValidity: UIDValidity(UInt32(truncatingIfNeeded: (row[start + 1] as Int64?) ?? 0)),
            uid: (row[start + 2] as Int64?).flatMap { UID(UInt32(truncatingIfNeeded: $0)) },
            flags: FlagSet(((row[start + 3] as String?) ?? "").split(separator: " ").map { Flag(String($0)) }),
            octetCount: row[start + 4])
        if let seconds = row[start + 5] as Int64? {
            internalDate = InternalDate(
                secondsSinceEpoch: seconds, zoneOffset: Int16(truncatingIfNeeded: (row[start + 6] as Int64?) ?? 0))
        }
        objectID = row[start + 7]
    }

    /// What a look is compared with: UIDVALIDITY, UID, flags, size, date and zone behind the row's first column.
    ///
    /// Most messages have one of a few sets of `flags`, so each is read once.
    init?(_ row: Row, of mailbox: Int64, _ flags: inout [String: FlagSet]) {
        guard let value = row[2] as Int64?, let uid = UID(UInt32(truncatingIfNeeded: value)) else { return nil }
        let text = (row[3] as String?) ?? ""
        let known = flags[text] ?? FlagSet(text.split(separator: " ").map { Flag(String($0)) })
        if flags.count < 1_000 { flags[text] = known }
        self.init(
            mailbox: mailbox, uidValidity: UIDValidity(UInt32(truncatingIfNeeded: (row[1] as Int64?) ?? 0)), uid: uid,
            flags: known, octetCount: row[4])
        guard let seconds = row[5] as Int64? else { return }
        internalDate = InternalDate(
            secondsSinceEpoch: seconds, zoneOffset: Int16(truncatingIfNeeded: (row[6] as Int64?) ?? 0))
    }

    fileprivate var values: [(any DatabaseValueConvertible)?] {
        [
            mailbox, Int64(uidValidity.value), uid.map { Int64($0.value) }, flags.description, octetCount,
            internalDate?.secondsSinceEpoch, (internalDate?.zoneOffset).map { Int64($0) }, objectID,
        ]
    }
}

extension PairLink {
    static let columns = """
        id, state, since, attempts, reason, raw_high, raw_low, canonical_high, canonical_low, body_high, body_low, trace,
        octet_count, a_mailbox, a_validity, a_uid, a_flags, a_octet_count, a_date, a_zone, a_object, b_mailbox,
        b_validity, b_uid, b_flags, b_octet_count, b_date, b_zone, b_object, pending_kind, pending_side, pending_mailbox,
        pending_validity, pending_next
        """
    static let columnCount = 34

    init(_ row: Row) {
        self.init(
            id: row[0], a: LinkEnd(row, 13), b: LinkEnd(row, 21), content: ContentIdentity(row, 5),
            state: State(rawValue: row[1]) ?? .linked, since: row[2])
        (attempts, reason) = (row[3], row[4])
        guard let kind = (row[29] as Int?).flatMap(Pending.Kind.init(rawValue:)),
            let side = (row[30] as Int?).flatMap(PairSide.init(rawValue:)), let mailbox = row[31] as Int64?
        else { return }
        pending = Pending(
            kind, side: side, mailbox: mailbox,
            uidValidity: (row[32] as Int64?).map { UIDValidity(UInt32(truncatingIfNeeded: $0)) },
            uidNext: (row[33] as Int64?).flatMap { UID(UInt32(truncatingIfNeeded: $0)) })
    }

    var values: StatementArguments {
        let noEnd = [(any DatabaseValueConvertible)?](repeating: nil, count: 8)
        var values: [(any DatabaseValueConvertible)?] = [
            id == 0 ? nil : id, state.rawValue, since, attempts, reason,
        ]
        values += content?.values ?? noEnd
        values += ends.a?.values ?? noEnd
        values += ends.b?.values ?? noEnd
        values += [
            pending?.kind.rawValue, pending?.side.rawValue, pending?.mailbox,
            (pending?.uidValidity).map { Int64($0.value) }, (pending?.uidNext).map { Int64($0.value) },
        ]
        return StatementArguments(values)
    }
}

extension ContentIdentity {
    init?(_ row: Row, _ start: Int) {
        func mark(_ place: Int) -> ContentMark? {
            guard let high = row[start + place] as Int64?, let low = row[start + place + 1] as Int64? else {
                return nil
            }
            return ContentMark(high: UInt64(bitPattern: high), low: UInt64(bitPattern: low))
        }
        guard let raw = mark(0), let canonical = mark(2), let body = mark(4) else { return nil }
        let octets = [UInt8](hex: (row[start + 6] as String?) ?? "") ?? []
        let trace = stride(from: 0, to: octets.count - octets.count % 4, by: 4).map { place in
            octets[place..<(place + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        self.init(raw: raw, canonical: canonical, body: body, trace: trace, octetCount: row[start + 7] ?? 0)
    }

    fileprivate var values: [(any DatabaseValueConvertible)?] {
        let octets = trace.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
        return [raw, canonical, body].flatMap { [Int64(bitPattern: $0.high), Int64(bitPattern: $0.low)] }
            + [octets.isEmpty ? nil : octets.hex, octetCount]
    }
}
