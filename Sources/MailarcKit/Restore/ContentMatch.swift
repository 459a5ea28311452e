package import MailCore

/// Which of the messages a mailbox must hold are there: by content, each message of the server counted once.
///
/// A value: it says what to fetch and is told the digests; nothing here talks to a server.
package struct ContentMatch {
    package struct Wanted {
        var digest: [UInt8]
        var likeness: [UInt8]?
        var octetCount: Int
        var internalDate: InternalDate?
        var flags: FlagSet

        package init(
            digest: [UInt8], likeness: [UInt8]? = nil, octetCount: Int, internalDate: InternalDate?, flags: FlagSet = []
        ) {
            (self.digest, self.likeness, self.octetCount) = (digest, likeness, octetCount)
            (self.internalDate, self.flags) = (internalDate, flags)
        }
    }

    /// What is known of a message of the server.
    package struct Found {
        var digest: [UInt8]
        var likeness: [UInt8]?

        package init(digest: [UInt8], likeness: [UInt8]? = nil) { (self.digest, self.likeness) = (digest, likeness) }
    }

    private struct Key: Hashable {
        var digest: [UInt8]
        var date: InternalDate?
        var flags: FlagSet?
    }

    /// By index; `nil` for what is not wanted here.
    private let wanted: [Wanted?]
    private let present: [MessageSummary]
    private var found: [UID: Found] = [:]
    private var taken: Set<UID> = []
    /// The message of the server that is the wanted one of this index.
    package private(set) var pairs: [Int: UID] = [:]
    /// Of ``pairs``, those the server keeps in another form.
    package private(set) var changed: Set<Int> = []

    package init(wanted: [Wanted?], present: [MessageSummary]) { (self.wanted, self.present) = (wanted, present) }

    /// Wanted and not there, ascending.
    package var missing: [Int] { wanted.indices.filter { wanted[$0] != nil && pairs[$0] == nil } }

    /// Messages of the server whose octets must be looked at: those like a missing one in size and date, or, `widely`,
    /// in one of the two, as dates get lost where mail is copied and some servers announce wrong sizes.
    package func candidates(widely: Bool) -> [MessageSummary] {
        struct Look: Hashable {
            var octetCount: Int?
            var date: InternalDate?
        }
        var looks: Set<Look> = []
        for index in missing {
            guard let message = wanted[index] else { continue }
            let (size, date) = (message.octetCount, message.internalDate)
            if widely {
                looks.insert(Look(octetCount: size))
                if date != nil { looks.insert(Look(date: date)) }
            } else {
                looks.insert(Look(octetCount: size, date: date))
            }
        }
        return present.filter { message in
            guard !taken.contains(message.uid), found[message.uid] == nil else { return false }
            guard widely else {
                return looks.contains(Look(octetCount: message.octetCount, date: message.internalDate))
            }
            return looks.contains(Look(octetCount: message.octetCount))
                || message.internalDate.map { looks.contains(Look(date: $0)) } ?? false
        }
    }

    /// Pairs with what is now known: those with the same date and flags first, then the same date, then any.
    package mutating func pair(_ more: [UID: Found]) {
        found.merge(more) { $1 }
        pair { Key(digest: $0, date: $1, flags: $2) }
        pair { digest, date, _ in Key(digest: digest, date: date, flags: nil) }
        pair { digest, _, _ in Key(digest: digest, date: nil, flags: nil) }
    }

    /// Pairs what is still missing with messages that are the same but for what servers change.
    package mutating func pairChanged() {
        let before = Set(pairs.keys)
        pair(byLikeness: true) { digest, date, _ in Key(digest: digest, date: date, flags: nil) }
        pair(byLikeness: true) { digest, _, _ in Key(digest: digest, date: nil, flags: nil) }
        changed.formUnion(Set(pairs.keys).subtracting(before))
    }

    private mutating func pair(
        byLikeness: Bool = false, _ key: ([UInt8], InternalDate?, FlagSet) -> Key
    ) {
        var open: [Key: [Int]] = [:]
        for index in missing.reversed() {
            guard let message = wanted[index], let digest = byLikeness ? message.likeness : message.digest else {
                continue
            }
            open[key(digest, message.internalDate, message.flags), default: []].append(index)
        }
        guard !open.isEmpty else { return }
        for message in present where !taken.contains(message.uid) {
            guard let known = found[message.uid], let digest = byLikeness ? known.likeness : known.digest,
                let index = open[key(digest, message.internalDate, message.flags)]?.popLast()
            else { continue }
            pairs[index] = message.uid
            taken.insert(message.uid)
        }
    }
}
