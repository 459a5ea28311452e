public import MailCore
import MailIMAPCore

/// What nobody needs to bring mail from one place to another, and whoever surveys an account asks.
extension IMAPAccountStore {
    /// Octets that came, and how often something was sent and then waited for, since the store was made.
    public var traffic: (octets: Int, roundTrips: Int) { (pool.meter.octetCount, pool.meter.roundTripCount) }

    /// One round trip.
    public func ping() async throws(StoreError) {
        try await withSession { (session) async throws(StoreError) in _ = try await session.run(.noop) }
    }

    /// The Message-ID of each of `uids`, without white space, in no order; empty for a message that has none.
    ///
    /// - Throws: `.uidValidityChanged`, `.refused`, connection errors.
    public func messageIDs(
        of uids: UIDSet, in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [[UInt8]] {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.settle()
            try await session.openForReading(mailbox, uidValidity)
            return try await session.messageIDs(of: uids)
        }
    }
}

extension IMAPSession {
    fileprivate func messageIDs(of uids: UIDSet) async throws(StoreError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for set in sets(uids) {
            let tag = try await send(.uidFetch("\(set)", [.uid, .messageID]))
            var field: [UInt8]?
            reading: while true {
                switch try await nextEvent() {
                case .literalBegin: field = []
                // LIMIT: a Message-ID longer than this is known by its beginning. RFC 5322 §2.1.1 has 998.
                case .literalOctets(let range):
                    if let taken = field, taken.count < 4_096 { field = taken + octets(range) }
                case .literalEnd: break
                case .response(.fetch(let row)):
                    let quoted = row.bodies[FetchItem.messageIDField].flatMap(\.octets)
                    if let octets = field ?? quoted { found.append(Self.value(of: octets)) }
                    field = nil
                case .response(.tagged(tag, let status)):
                    guard status.condition == .ok else {
                        throw StoreError(.refused, "The server does not show Message-IDs: \(status.text)")
                    }
                    break reading
                case .response: break
                }
            }
        }
        return found
    }

    /// What stands behind the colon, folding and white space left out.
    private static func value(of field: [UInt8]) -> [UInt8] {
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { return [] }
        return field[(colon + 1)...].filter { $0 > 0x20 }
    }
}

extension StoreError {
    /// An account that is only to be read would be written to.
    static func onlyReading(_ command: String) -> StoreError {
        StoreError(.refused, "The account is only to be read, and \(command) could change it")
    }
}
