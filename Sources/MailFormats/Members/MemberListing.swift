import MailCore

/// A message in a member.
struct MemberItem: Sendable {
    /// Of ``MemberListing/members``.
    var member: Int32
    var octetCount: Int
    /// Of its first octet in the member's stream.
    var offset: Int
    var flags: FlagSet
    /// Seconds since 1970-01-01T00:00:00Z.
    var date: Int64?
    /// It has lines that an mbox quoted.
    var isQuoted = false
    /// Why it cannot be taken.
    var problem: String?
}

/// All messages of a source of members, in the order of their octets.
struct MemberListing: Sendable {
    /// A member that has messages.
    struct Place: Sendable {
        var name: [UInt8]
        var stream: Int
        var start: Int
        var isMbox: Bool

        /// It is one message, and all of its stream.
        var isWholeStream: Bool { !isMbox && start == 0 }
    }

    private(set) var members: [Place] = []
    private(set) var items: [MemberItem] = []
    /// In the order in which they were first met.
    private(set) var mailboxes: [MailboxListing] = []
    /// Places in ``items``, ascending; the UID is one more.
    private(set) var byMailbox: [MailboxName: [UInt32]] = [:]
    private var hash = SyntheticUID.hash([])
    private var flagSets: Set<FlagSet> = []
    var findings = ImportFindings()
    var isComplete = true

    /// Another one as soon as there are other messages or another order: UIDs are places.
    var uidValidity: UIDValidity {
        UIDValidity(max(UInt32(truncatingIfNeeded: hash ^ (hash >> 32)), SyntheticUID.validity.value + 1))
    }

    /// Where the messages given to ``add(_:to:identity:)`` are from now on.
    mutating func begin(_ member: Member, isMbox: Bool) -> Int32 {
        members.append(Place(name: member.name, stream: member.stream, start: member.offset, isMbox: isMbox))
        hash = SyntheticUID.hash(member.name, seed: hash)
        return Int32(truncatingIfNeeded: members.count - 1)
    }

    /// - Parameter identity: of its header, or of its octets.
    mutating func add(_ item: MemberItem, to listings: [MailboxListing], identity: UInt64) {
        var item = item
        // The same few sets of flags a million times over are stored once.
        item.flags = flagSets.insert(item.flags).memberAfterInsert
        for listing in listings {
            if byMailbox[listing.name] == nil { mailboxes.append(listing) }
            byMailbox[listing.name, default: []].append(UInt32(truncatingIfNeeded: items.count))
        }
        let start = members.last?.start ?? 0
        for number in [UInt64(item.offset - start), UInt64(item.octetCount), identity] {
            for shift in stride(from: 0, to: 64, by: 8) {
                hash = (hash ^ (number >> UInt64(shift) & 0xFF)) &* 0x100_0000_01B3
            }
        }
        items.append(item)
    }

    /// The message added last cannot be taken.
    mutating func spoilLast(_ problem: String) {
        guard !items.isEmpty else { return }
        items[items.count - 1].problem = problem
    }

    /// The message of a UID, if it is in the mailbox.
    func item(_ uid: UID, in mailbox: MailboxName) -> MemberItem? {
        guard let places = byMailbox[mailbox] else { return nil }
        let wanted = uid.value - 1
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low < places.count && places[low] == wanted ? items[Int(wanted)] : nil
    }

    /// Where a message is, for people.
    func place(_ item: MemberItem) -> String {
        let member = members[Int(item.member)]
        let name = String(decoding: member.name, as: UTF8.self)
        return member.isMbox ? "\(name) at octet \(item.offset - member.start)" : name
    }
}
