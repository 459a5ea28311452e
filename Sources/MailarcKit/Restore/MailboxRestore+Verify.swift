import MailCore

/// Reading back: everything with `--verify`; else only what servers are known to change.
extension MailboxRestore {
    func verify() async throws(StoreError) {
        let wanted = options.verifies ? Set(target.wanted.indices) : fragile
        let indices = wanted.filter { refused[$0] == nil }
        guard !indices.isEmpty else { return }
        let look = try await store.observe(target.name, since: nil)
        guard case .full(let present) = look.content else { return }
        let match = try await match(present, look.status.uidValidity, known: [:], only: indices)
        let traits = options.verifies ? try await store.deliveryTraits(of: target.name) : DeliveryTraits()
        let byUID = Dictionary(present.map { ($0.uid, $0) }, uniquingKeysWith: { $1 })
        for index in indices.sorted() {
            guard let uid = match.pairs[index], let summary = byUID[uid] else {
                note(index, "missing", "no message of the mailbox has these octets")
                continue
            }
            if match.changed.contains(index) {
                note(index, "octets", "UID \(uid): the server keeps the message in another form")
            } else if options.verifies, compare(index, summary, traits) {
                outcome.verified += 1
            }
        }
    }

    /// True when flags and internal date are as they should be.
    private func compare(_ index: Int, _ summary: MessageSummary, _ traits: DeliveryTraits) -> Bool {
        let wanted = target.wanted[index]
        var isEqual = true
        if options.restoresFlags {
            let expected = FlagSet(wanted.flags.flags.filter(traits.keeps))
            if expected != summary.flags {
                note(index, "flags", "UID \(summary.uid): (\(summary.flags)), archived (\(expected))")
                isEqual = false
            }
        }
        if let date = wanted.internalDate, date != summary.internalDate {
            let found = summary.internalDate?.description ?? "none"
            note(index, "internal-date", "UID \(summary.uid): \(found), archived \(date)")
            isEqual = false
        }
        return isEqual
    }

    private func note(_ index: Int, _ reason: String, _ detail: String) {
        differences.append(
            RestoreFinding(
                mailbox: outcome.mailbox, id: target.wanted[index].id.description, reason: reason, detail: detail))
    }
}
