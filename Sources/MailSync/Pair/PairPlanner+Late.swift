internal import MailCore

/// What this pair copied, and what then comes to the same side by another channel, too: an archive that was down when
/// Postfix blind-copied to it.
extension PairPlanner {
    /// Takes the one that came late away again: the one that was copied is linked, in both, and may have been marked,
    /// filed or read since. One that somebody marked is a message like any other.
    mutating func passOverLate() {
        for side in policy.lateSides {
            var copied: [ContentMark: [Int]] = [:]
            for position in works.indices where works[position].link.isCopied(to: side) && !works[position].isDone {
                guard let content = works[position].link.content else { continue }
                copied[content.canonical, default: []].append(position)
            }
            guard !copied.isEmpty else { continue }
            for position in fresh.indices where fresh[position].side == side && !isTaken[position] {
                let message = fresh[position]
                guard situation.isAbout(message), let content = message.content,
                    (copied[content.canonical] ?? []).contains(where: { isLate(message, content, behind: $0) })
                else { continue }
                expungeLate(position)
            }
        }
    }

    private mutating func expungeLate(_ position: Int) {
        guard let address = message(fresh[position]), let half = half(fresh[position]) else { return }
        isTaken[position] = true
        guard half.canBeDeletedFrom else { return hold(address.side, half.row) }
        deletions.append(.expunge(address, nil, .cameLate))
        // ORDER: never unsaid: it is a deletion under strategies that keep what is new there.
        plan.conflicts.append("\(address) is, but for trace fields, what was copied there before it came: expunged")
    }

    /// Exactly equal ones are copies that somebody made.
    private func isLate(_ message: FreshMessage, _ content: ContentIdentity, behind position: Int) -> Bool {
        let work = works[position]
        let side = message.side
        guard work.isPresent(.a), work.isPresent(.b), let end = work.link[side], pairOfRow[end.mailbox] == message.pair,
            let own = work.link.content, own.raw != content.raw, own.isSame(as: content, policy.adoption)
        else { return false }
        let flags = work.flags(side)
        return !flags.contains(.deleted) && message.summary.flags.flags.allSatisfy { flags.contains($0) }
    }
}
