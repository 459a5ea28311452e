import MailCore

/// Where in a list the message of a UID is; 8 octets a message.
struct UIDPlaces: Sendable {
    private var uids: [UInt32]
    private var places: [UInt32]

    /// Of two equal UIDs the first counts.
    init(_ list: some RandomAccessCollection<UID>) {
        let sorted = list.enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
        (uids, places) = (sorted.map(\.element.value), sorted.map { UInt32($0.offset) })
    }

    subscript(uid: UID) -> Int? {
        var (low, high) = (0, uids.count)
        while low < high {
            let middle = (low + high) / 2
            if uids[middle] < uid.value { low = middle + 1 } else { high = middle }
        }
        return low < uids.count && uids[low] == uid.value ? Int(places[low]) : nil
    }

    /// Every UID.
    var all: UIDSet { UIDSet(ranges: uids.lazy.map { $0...$0 }) }
}
