internal import GRDB
internal import MailCore

/// Messages that were delivered to the archive itself.
extension EventApplier {
    /// What was told of a message that is not there (any more) is not needed.
    mutating func note(_ facts: DeliveryFacts, of address: OccurrenceAddress, _ db: Database) throws {
        guard let mailbox = try existing(address.account, address.mailbox, db),
            let placement = try current(mailbox, address, db)
        else { return }
        try mention(placement, db)
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO delivery VALUES (?,?,?,?,?,?,?,?,?,?)").execute(
            arguments: [
                placement, facts.time, Int64(facts.direction.rawValue), facts.sender,
                facts.recipients.joined(separator: "\n"), facts.client, facts.helloName, facts.transport, facts.tls,
                facts.keptUntil,
            ])
    }
}
