import MailCore
import MailIMAPCore

extension IMAPSession {
    /// LIMIT: small commands in flight.
    private static let commandWindow = 16

    /// Opens `mailbox` for writing, unless it is open so; nothing is written before its UIDVALIDITY was seen.
    ///
    /// - Throws: `.noSuchMailbox`, `.uidValidityChanged`, `.refused` where it is read-only.
    func openForWriting(
        _ mailbox: MailboxName, _ uidValidity: UIDValidity, mayBeReadOnly: Bool = false
    ) async throws(StoreError) -> DeliveryTraits {
        try await settle()
        if let selected, selected.name == mailbox, selected.uidValidity == uidValidity, let traits = selected.writing {
            return traits
        }
        var traits = DeliveryTraits()
        let code = try await select(mailbox, into: &traits)
        guard traits.uidValidity == uidValidity else {
            throw StoreError(.uidValidityChanged, "It has other UIDs now", mailbox: mailbox, retry: .later)
        }
        let isReadOnly = code == .readOnly
        guard !isReadOnly || mayBeReadOnly else {
            throw StoreError(.refused, "The mailbox is read-only", mailbox: mailbox)
        }
        selected = OpenMailbox(name: mailbox, uidValidity: uidValidity, writing: isReadOnly ? nil : traits)
        return traits
    }

    /// Leaves the open mailbox without expunging anything.
    func closeMailbox() async throws(StoreError) {
        guard selected != nil else { return }
        selected = nil
        if capabilities.hasUnselect { _ = try await run(.unselect) }
    }

    // MARK: Messages of the open mailbox

    func setFlags(
        _ changes: [FlagChange], _ traits: DeliveryTraits
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        var edits = FlagEdits(changes, traits, isGuarded: capabilities.hasConditionalStore)
        for step in FlagEdits.Step.allCases {
            var commands = edits.commands(step, sets)
            while !commands.isEmpty {
                let answers = try await runAll(commands.map(\.command))
                commands = zip(commands, answers).compactMap { edits.complete($0, $1) }
            }
        }
        let present = try await present(UIDSet(changes.map(\.uid)))
        return Dictionary(
            changes.map { ($0.uid, edits.outcomes[$0.uid] ?? (present.contains($0.uid) ? .changed : .gone)) }
        ) { _, last in last }
    }

    /// Of `uids`, those that are in the open mailbox.
    ///
    /// - Throws: where the server does not tell of each; nothing is taken as gone then.
    func present(_ uids: UIDSet) async throws(StoreError) -> UIDSet {
        var found: [UID] = []
        let refusal = try await runWhole(uids) {
            .uidFetch("\($0)", [.uid])
        } each: { response throws(StoreError) in
            if case .fetch(let message) = response, let uid = message.uid, uids.contains(uid) { found.append(uid) }
        }
        guard let refusal else { return UIDSet(found) }
        if refusal.isTemporary { throw .throttled(refusal) }
        throw StoreError(.refused, "The server does not tell which messages are there: \(refusal.text)")
    }

    /// Runs `command` on all of `uids`, and again on what the server left out; the first refusal.
    private func runWhole(
        _ uids: UIDSet, _ command: (UIDSet) -> Command, each: (Response) throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> StatusResponse? {
        var rest = sets(uids)
        while !rest.isEmpty {
            let answers = try await runAll(rest.map(command), each: each)
            var more: [UIDSet] = []
            for (set, status) in zip(rest, answers) {
                let left = status.leavesOut(of: set)
                guard status.condition == .ok, left != set || left.isEmpty else { return status }
                if !left.isEmpty { more.append(left) }
            }
            rest = more
        }
        return nil
    }

    /// `uids` in sets that one command may name and the server works on whole.
    func sets(_ uids: UIDSet) -> [UIDSet] {
        let parts = capabilities.messageLimit.map { uids.parts(count: $0) } ?? [uids]
        return parts.flatMap { $0.pieces(octetCount: MailboxLook.setOctetCount) }
    }

    func copy(_ uids: UIDSet, to target: MailboxName, moves: Bool) async throws(StoreError) -> CopyReport {
        let present = try await present(uids)
        var report = CopyReport(missing: uids.subtracting(present))
        for piece in sets(present) {
            let name = WireName(target, isUTF8: isUTF8)
            let status = try await run(moves ? .uidMove(piece, to: name) : .uidCopy(piece, to: name)) {
                response throws(StoreError) in
                // MOVE tells the new UIDs before the messages go. RFC 6851 §4.3
                if case .status(let status) = response { Self.note(status.code, in: &report) }
            }
            Self.note(status.code, in: &report)
            guard status.leavesOut(of: piece).isEmpty else {
                throw StoreError(.limitExceeded, "The server stopped half-way: \(status.text)", mailbox: target)
            }
            guard status.condition != .ok else { continue }
            if status.code == .tryCreate || status.code == .nonExistent {
                throw StoreError(.noSuchMailbox, "The server has no such mailbox: \(status.text)", mailbox: target)
            }
            if status.isTemporary, status.code != .overQuota { throw .throttled(status, mailbox: target) }
            throw StoreError(.refused, "The server refused: \(status.text)", mailbox: target)
        }
        return report
    }

    private static func note(_ code: ResponseCode?, in report: inout CopyReport) {
        guard case .copyUID(let validity, let source, let destination)? = code, source.count == destination.count
        else { return }
        report.uidValidity = validity
        for (old, new) in zip(source.uids, destination.uids) { report.mapping[old] = new }
    }

    /// Removes exactly `uids`; those that are gone afterwards. What the server left undone is still there.
    func expunge(_ uids: UIDSet) async throws(StoreError) -> UIDSet {
        if let refusal = try await runWhole(uids, { .uidStore($0, .add, [.deleted]) }) {
            throw StoreError(.refused, "The server refused to mark messages deleted: \(refusal.text)")
        }
        if capabilities.hasUIDPlus {
            _ = try await runWhole(uids) { .uidExpunge($0) }
        } else if try await marked().subtracting(uids).isEmpty {
            // LIMIT: what somebody marks between these two commands goes, too; nothing better can be asked for.
            _ = try await run(.expunge)
        }
        return uids.subtracting(try await present(uids))
    }

    /// The messages marked `\Deleted`.
    private func marked() async throws(StoreError) -> UIDSet {
        var found = UIDSet()
        let status = try await run(.uidSearch(.flag(.deleted), isExtended: false)) { response throws(StoreError) in
            if case .search(let numbers, _) = response { found = found.union(UIDSet(numbers.compactMap { UID($0) })) }
        }
        guard status.condition == .ok else {
            throw StoreError(.refused, "The server refused to search: \(status.text)")
        }
        return found
    }

    // MARK: Mailboxes

    func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        try await settle()
        try await closeMailbox()
        let (old, new) = (WireName(mailbox, isUTF8: isUTF8), WireName(target, isUTF8: isUTF8))
        let status = try await run(.rename(old, to: new))
        guard status.condition != .ok else {
            // A server that keeps no subscriptions says so; the mail is there all the same.
            _ = try await runAll([.subscribe(new), .unsubscribe(old)])
            return
        }
        if status.isTemporary { throw .throttled(status, mailbox: mailbox) }
        // QUIRK: Cyrus and others have no code for it.
        let isMissing = try await run(.status(old, [.uidValidity])).condition != .ok
        throw StoreError(
            isMissing ? .noSuchMailbox : .refused, "The server refused to rename it: \(status.text)",
            mailbox: isMissing ? mailbox : target)
    }

    /// LIMIT: a message that comes between the look and DELETE goes with the mailbox; IMAP has no way to forbid it.
    func remove(_ mailbox: MailboxName) async throws(StoreError) {
        try await settle()
        try await closeMailbox()
        let name = WireName(mailbox, isUTF8: isUTF8)
        var count: Int?
        let look = try await run(.status(name, [.messages])) { response throws(StoreError) in
            if case .mailboxStatus(let status) = response { count = status.messages.map(Int.init) }
        }
        if look.condition == .ok, count != 0 {
            throw StoreError(.refused, "It is not empty", mailbox: mailbox)
        }
        guard look.condition == .ok || look.code == .nonExistent || !look.isTemporary else {
            throw .throttled(look, mailbox: mailbox)
        }
        let status = try await run(.delete(name))
        if status.condition == .ok {
            _ = try await run(.unsubscribe(name))
        } else if look.condition == .ok {
            throw StoreError(.refused, "The server refused to delete it: \(status.text)", mailbox: mailbox)
        }
    }

    // MARK: Flights

    /// Runs `commands`, several in flight where the server allows it; their completions, in order.
    func runAll(
        _ commands: [Command], each: (Response) throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> [StatusResponse] {
        try await runAll(commands) { _, response throws(StoreError) in try each(response) }
    }

    /// As ``runAll(_:each:)``; `each` is told for which command the server was at work, as far as it answers in order.
    func runAll(
        _ commands: [Command], each: (Int, Response) throws(StoreError) -> Void
    ) async throws(StoreError) -> [StatusResponse] {
        var answers: [StatusResponse] = []
        let window = pipelining == .refused ? 1 : Self.commandWindow
        var start = 0
        while start < commands.count {
            let end = min(start + window, commands.count)
            var tags: [String] = []
            for command in commands[start..<end] { tags.append(try await send(command)) }
            var results: [String: StatusResponse] = [:]
            while results.count < tags.count {
                let response = try await nextResponse()
                if case .tagged(let tag, let status) = response {
                    results[tag] = status
                } else {
                    try each(start + results.count, response)
                }
            }
            answers += tags.compactMap { results[$0] }
            start = end
        }
        return answers
    }
}
