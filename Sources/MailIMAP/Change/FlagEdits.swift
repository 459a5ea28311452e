import MailCore
import MailIMAPCore

/// Changes of flags as commands: messages that get the same change share one.
struct FlagEdits {
    enum Step: CaseIterable { case add, remove }
    struct Edit: Hashable {
        var adding: FlagSet
        var removing: FlagSet
        var unchangedSince: ModSeq?
    }

    struct Sending {
        var edit: Int
        var set: UIDSet
        var mode: Command.StoreMode
        var flags: FlagSet
        var unchangedSince: ModSeq?

        var command: Command { .uidStore(set, mode, flags, unchangedSince: unchangedSince) }
    }

    private(set) var outcomes: [UID: FlagOutcome] = [:]
    private var edits: [(edit: Edit, rest: UIDSet)] = []

    init(_ changes: [FlagChange], _ traits: DeliveryTraits, isGuarded: Bool) {
        var groups: [Edit: [UID]] = [:]
        for change in changes {
            let edit = Edit(
                adding: FlagSet(change.adding.flags.filter(traits.keeps)),
                removing: FlagSet(change.removing.flags.filter(traits.keeps)),
                unchangedSince: isGuarded ? change.unchangedSince : nil)
            groups[edit, default: []].append(change.uid)
        }
        edits = groups.map { ($0.key, UIDSet($0.value)) }
            .sorted { ($0.rest.min?.value ?? 0) < ($1.rest.min?.value ?? 0) }
    }

    /// The commands of a step; a message that was in conflict in the first is not in the second.
    func commands(_ step: Step, _ sets: (UIDSet) -> [UIDSet]) -> [Sending] {
        var commands: [Sending] = []
        for (index, entry) in edits.enumerated() {
            let flags = step == .add ? entry.edit.adding : entry.edit.removing
            guard !flags.isEmpty else { continue }
            // The first step moved the modification sequence itself.
            let isGuarded = step == .add || entry.edit.adding.isEmpty
            for piece in sets(entry.rest) {
                commands.append(
                    Sending(
                        edit: index, set: piece, mode: step == .add ? .add : .remove, flags: flags,
                        unchangedSince: isGuarded ? entry.edit.unchangedSince : nil))
            }
        }
        return commands
    }

    /// Takes the answer to `sent`; what is to be sent instead.
    ///
    /// QUIRK: servers refuse keywords that their PERMANENTFLAGS allow, and with them every other flag of the command.
    mutating func complete(_ sent: Sending, _ status: StatusResponse) -> Sending? {
        let (edit, set) = (sent.edit, sent.set)
        var failed = UIDSet()
        let rest = FlagSet(sent.flags.flags.filter(\.isSystemFlag))
        if status.condition != .ok, status.code == nil, !status.isTemporary, rest != sent.flags {
            for uid in set.uids { outcomes[uid] = .changedWithoutKeywords }
            var simpler = sent
            simpler.flags = rest
            return rest.isEmpty ? nil : simpler
        }
        if case .modified(let conflicted)? = status.code {
            failed = set.intersection(conflicted)
            for uid in failed.uids { outcomes[uid] = .conflicted }
        } else {
            failed = status.condition == .ok ? status.leavesOut(of: set) : set
            for uid in failed.uids { outcomes[uid] = .refused(status.text) }
        }
        edits[edit].rest = edits[edit].rest.subtracting(failed)
        return nil
    }
}
