package import MailCore

/// Where in a list the message of a UID is; 8 octets a message.
package struct UIDPlaces: Sendable {
    /// UID and place, in one word, ascending: half of what a sorted list of pairs takes.
    private var words: [UInt64]

    /// Of two equal UIDs the first counts.
    ///
    /// LIMIT: 2³² messages, as many as there are UIDs.
    package init(_ list: some RandomAccessCollection<UID>) {
        words = []
        words.reserveCapacity(list.count)
        var isSorted = true
        for (place, uid) in list.enumerated() {
            let word = UInt64(uid.value) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
            if let last = words.last, last > word { isSorted = false }
            words.append(word)
        }
        if !isSorted { words.sort() }
    }

    package subscript(uid: UID) -> Int? {
        let wanted = UInt64(uid.value) << 32
        var (low, high) = (0, words.count)
        while low < high {
            let middle = (low + high) / 2
            if words[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        guard low < words.count, words[low] >> 32 == UInt64(uid.value) else { return nil }
        return Int(words[low] & 0xFFFF_FFFF)
    }

    /// Every UID.
    package var all: UIDSet {
        var all = UIDSet()
        for word in words {
            if let uid = UID(UInt32(truncatingIfNeeded: word >> 32)) { all.insert(uid) }
        }
        return all
    }
}
