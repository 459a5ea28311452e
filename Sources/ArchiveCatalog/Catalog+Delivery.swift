internal import GRDB
public import MailCore

/// What was told of one occurrence that was delivered to the archive itself.
public struct DeliveryRow: Sendable, Hashable {
    /// Where it is now.
    public var address: OccurrenceAddress
    /// What the client told.
    public var facts: DeliveryFacts

    /// A row as it is read.
    public init(address: OccurrenceAddress, facts: DeliveryFacts) { (self.address, self.facts) = (address, facts) }
}

extension Catalog {
    /// What was told of each place of a message that was delivered, in the order they were made.
    public func deliveries(of message: RandomID) throws(CatalogError) -> [DeliveryRow] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT b.account, b.name, b.delimiter, p.uidvalidity, p.uid, d.* FROM message m
                    JOIN placement p ON p.message = m.id JOIN delivery d ON d.placement = p.id
                    JOIN mailbox b ON b.id = p.mailbox WHERE m.key_id = ? ORDER BY p.id
                    """,
                arguments: [Row.octets(message.octets)]
            ).compactMap { row in
                let (validity, uid): (Int64, Int64) = (row["uidvalidity"], row["uid"])
                guard let uid = UID(UInt32(truncatingIfNeeded: uid)) else { return nil }
                return DeliveryRow(
                    address: OccurrenceAddress(
                        account: row["account"], mailbox: MailboxName(row),
                        uidValidity: UIDValidity(UInt32(truncatingIfNeeded: validity)), uid: uid),
                    facts: DeliveryFacts(row))
            }
        }
    }
}

extension DeliveryFacts {
    init(_ row: Row) {
        let (direction, recipients): (Int64, String) = (row["direction"], row["recipients"])
        self.init(
            direction: Direction(rawValue: UInt8(truncatingIfNeeded: direction)) ?? .unknown, sender: row["sender"],
            recipients: recipients.split(separator: "\n").map(String.init), client: row["client"],
            helloName: row["hello"], transport: row["transport"], tls: row["tls"], time: row["time"],
            keptUntil: row["kept_until"])
    }
}
