package import MailCore

/// A part of a large mailbox: which of its messages, and which UIDs they are among.
package struct MailboxPart: Sendable, Hashable {
    /// Every UID belongs to exactly one part, also one that is not there any more.
    package var range: ClosedRange<UInt32>
    package var uids: UIDSet
    package var isFirst: Bool
    package var isLast: Bool

    /// A mailbox of `uids` in parts of at most `count` messages; one part for an empty one.
    package static func parts(of uids: UIDSet, count: Int) -> [MailboxPart] {
        var pieces = uids.parts(count: count)
        if pieces.isEmpty { pieces = [uids] }
        var start: UInt32 = 1
        return pieces.indices.map { index in
            let isLast = index == pieces.count - 1
            let end = isLast ? .max : max(start, pieces[index].max?.value ?? start)
            defer { start = isLast ? end : end + 1 }
            return MailboxPart(range: start...end, uids: pieces[index], isFirst: index == 0, isLast: isLast)
        }
    }
}
