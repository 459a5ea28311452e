import MailCore

/// UIDs for messages that have none: from what each is known by, so that others' coming and going changes nothing.
enum SyntheticUID {
    /// The UIDVALIDITY of synthetic UIDs; a new scheme takes a new one.
    static let validity = UIDValidity(1)

    /// FNV-1a, 64 bits.
    static func hash(_ octets: some Sequence<UInt8>, seed: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        var value = seed
        for octet in octets { value = (value ^ UInt64(octet)) &* 0x100_0000_01B3 }
        return value
    }

    /// A UID for each hash, in order; where two fall together the later one takes the next that is free.
    ///
    /// Near linear, also where somebody made many fall together: what was passed on the way is passed at once later.
    static func assign(_ hashes: some Collection<UInt64>) -> [UID] {
        // For each value that is taken, where to look next.
        var next: [UInt32: UInt32] = [0: 1]
        next.reserveCapacity(hashes.count)
        return hashes.map { hash in
            var value = UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
            var passed: [UInt32] = []
            while let following = next[value] {
                passed.append(value)
                value = following
            }
            next[value] = value &+ 1
            for other in passed { next[other] = value &+ 1 }
            return UID(value) ?? .max
        }
    }

    /// What a look at `mailbox` shows: all of it, always.
    static func observation(_ summaries: [MessageSummary]) -> MailboxObservation {
        let status = MailboxStatus(
            uidValidity: validity, uidNext: nil, messageCount: summaries.count, highestModSeq: nil)
        return MailboxObservation(
            status: status, content: .full(summaries.sorted { $0.uid < $1.uid }), isComplete: true)
    }

    /// The same, counted.
    static func census(_ uids: [UID]) -> MailboxCensus {
        let status = MailboxStatus(uidValidity: validity, uidNext: nil, messageCount: uids.count, highestModSeq: nil)
        return MailboxCensus(status: status, uids: UIDSet(uids), isComplete: true)
    }

    /// - Throws: `.uidValidityChanged` unless `uidValidity` is the one of synthetic UIDs.
    static func require(_ uidValidity: UIDValidity, of mailbox: MailboxName) throws(StoreError) {
        guard uidValidity == validity else {
            throw StoreError(.uidValidityChanged, "not a UIDVALIDITY of this store", mailbox: mailbox)
        }
    }
}
