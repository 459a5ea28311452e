import MailCore

/// A whole message that waits to be archived.
struct CapturedMessage: Sendable {
    struct Target: Sendable {
        var place: CapturePlace
        /// The envelope recipients that led there.
        var recipients: [String]
        /// In seconds since 1970; `nil`: for good.
        var keptUntil: Int64?
    }

    var spool: CaptureSpool
    var channel: Channel
    /// Each place once; none: its octets are not archived.
    var targets: [Target]
    /// How many places it would have had that rules skipped, by the rule's name.
    var skips: [String: UInt64] = [:]
    var sender: String
    var client: String
    var helloName = ""
    var transport = ""
    var tls = ""
    /// When its last octet came, in seconds since 1970.
    var time: Int64

    func facts(_ target: Target) -> DeliveryFacts {
        DeliveryFacts(
            direction: target.place.direction, sender: sender, recipients: target.recipients, client: client,
            helloName: helloName, transport: transport, tls: tls, time: time,
            keptUntil: target.keptUntil)
    }
}

/// What became of a message that is durable now.
struct ArchivedDelivery: Sendable {
    /// Its id in the archive, empty where it is not archived; of a write-only host, the segment it is sealed in.
    var name: String
    var octetCount: Int
    /// Where it was placed, in the order of its targets; `nil` where the same delivery was there already. Empty where the
    /// archive's owner is to place it.
    var places: [OccurrenceAddress?]
    /// It waits in an outbox.
    var isSealed = false
    /// Messages that became durable with it, itself included.
    var groupSize: Int

    /// A message that nothing is kept of but that it came.
    static func skipped(_ message: CapturedMessage, groupSize: Int) -> ArchivedDelivery {
        ArchivedDelivery(name: "", octetCount: message.spool.octetCount, places: [], groupSize: groupSize)
    }

    /// What came of messages that count only together.
    static func together(
        _ results: some Collection<Result<ArchivedDelivery, KitError>>
    ) -> Result<[ArchivedDelivery], KitError> {
        Result { () throws(KitError) in
            try results.map { result throws(KitError) in try result.get() }
        }
    }
}
