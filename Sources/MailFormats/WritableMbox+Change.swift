import Glibc
public import MailCore

extension WritableMbox {
    public func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        if tree.files().found.contains(where: { $0.name == mailbox }) { return }
        do throws(FormatsError) {
            let (directory, name) = try tree.makePlace(for: mailbox)
            try tree.makeRoom(name, in: directory)
            let parent = try Descriptor.openDirectory(directory)
            do throws(FormatsError) {
                try parent.openFile(name, O_WRONLY | O_CREAT | O_EXCL).sync()
            } catch {
                // What is there and is no mbox stays as it is.
                throw error.kind == .alreadyExists
                    ? FormatsError(.alreadyExists, "a file that is no mbox has its name", path: mailbox.text) : error
            }
            try parent.sync()
        } catch { throw Self.refusal(error, mailbox) }
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        DeliveryTraits(
            uidValidity: try look(mailbox).validity,
            permanentFlags: [.seen, .answered, .flagged, .deleted, .draft, Flag("\\*")],
            keepsUTF8Headers: true, takesNUL: true)
    }

    /// LIMIT: messages and octets that are one change.
    private static let groupCount = 500
    private static let groupOctetCount = 64 << 20

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        _ = try path(of: mailbox)
        var isAtEnd = false
        while !isAtEnd {
            var group: [any OutgoingMessage] = []
            var octetCount = 0
            do {
                let stage = try makeStage()
                while group.count < Self.groupCount, octetCount < Self.groupOctetCount {
                    guard let message = try await next() else {
                        isAtEnd = true
                        break
                    }
                    let source = try message.open()
                    try stage.add(
                        flags: FlagSet(message.flags.flags.filter(traits.keeps)),
                        date: message.internalDate?.secondsSinceEpoch ?? now()
                    ) { () throws(StoreError) in try source.next() }
                    octetCount += message.octetCount
                    group.append(message)
                }
                guard !group.isEmpty else { return }
                let (validity, uids) = try append(stage, to: mailbox)
                for (message, uid) in zip(group, uids) { try await each(message, .delivered(validity, uid)) }
            } catch { throw WritableMaildir.failure(error, mailbox) }
        }
    }

    /// UIDs as far as what was read back is what was written.
    private func append(_ stage: MboxStage, to mailbox: MailboxName) throws(StoreError) -> (UIDValidity, [UID?]) {
        var after = try change(mailbox, adding: stage) { _ in .keep }.after
        // The first message lists the keywords of all, also of those that are there only now.
        if after.messages.suffix(stage.keys.count).contains(where: { $0.flags.flags.contains { !$0.isSystemFlag } }) {
            after = try change(mailbox) { _ in .keep }.after
        }
        let new = after.messages.suffix(stage.keys.count)
        guard new.map(\.key) == stage.keys else { return (after.validity, stage.keys.map { _ in nil }) }
        return (after.validity, new.map(\.uid))
    }

    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        let wanted = Dictionary(changes.map { ($0.uid, $0) }) { _, last in last }
        let before = try change(mailbox, uidValidity: uidValidity) { message in
            guard let change = wanted[message.uid] else { return .keep }
            let kept = message.flags.flags.filter { !change.removing.contains($0) }
            let flags = FlagSet(kept + change.adding.flags.filter { $0 != .recent })
            return flags == message.flags ? .keep : .flags(flags)
        }.before
        let there = Set(before.messages.map(\.uid))
        return wanted.mapValues { there.contains($0.uid) ? .changed : .gone }
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        let content = try look(mailbox, uidValidity)
        _ = try path(of: target)
        let messages = content.messages.filter { uids.contains($0.uid) }
        var report = CopyReport(missing: uids.subtracting(UIDSet(messages.map(\.uid))))
        guard !messages.isEmpty else { return report }
        let new: [UID?]
        do {
            let stage = try makeStage()
            let file = try Descriptor.openForReading(content.path)
            guard try file.status() == content.status else {
                throw StoreError(.ioFailed, "another program changed the mailbox", mailbox: mailbox, retry: .later)
            }
            for message in messages {
                var octets = MboxMessageOctets(message.range)
                try stage.add(flags: message.flags, date: message.date ?? now()) { () throws(StoreError) in
                    do throws(FormatsError) { return try octets.next(file) } catch { throw error.storeError(mailbox) }
                }
            }
            // Whoever writes in place while it is read would have us copy of two messages.
            guard try file.status() == content.status else {
                throw StoreError(.ioFailed, "another program changed the mailbox", mailbox: mailbox, retry: .later)
            }
            (report.uidValidity, new) = try append(stage, to: target)
        } catch { throw WritableMaildir.failure(error, mailbox) }
        for (message, uid) in zip(messages, new) { report.mapping[message.uid] = uid }
        return report
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        let report = try await copy(uids, from: mailbox, uidValidity: uidValidity, to: target)
        _ = try await expunge(uids.subtracting(report.missing), from: mailbox, uidValidity: uidValidity)
        return report
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        _ = try change(mailbox, uidValidity: uidValidity) { uids.contains($0.uid) ? .drop : .keep }
        return uids
    }

    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        try refuseInbox(mailbox)
        let found = tree.files().found
        let path = try path(of: mailbox)
        guard !found.contains(where: { $0.name == target }) else {
            throw StoreError(.refused, "a mailbox has that name", mailbox: target)
        }
        let prefix = mailbox.octets + [0x2F]
        let moved = found.filter { $0.name.octets.starts(with: prefix) }
        defer { forget() }
        do throws(FormatsError) {
            try move(path, to: target)
            // Those inside one by one: a directory may hold what is none of ours.
            for (name, path) in moved {
                try move(
                    path,
                    to: MailboxName(
                        octets: target.octets + name.octets.dropFirst(mailbox.octets.count), delimiter: 0x2F))
            }
        } catch { throw Self.refusal(error, target) }
    }

    private func move(_ path: [UInt8], to target: MailboxName) throws(FormatsError) {
        let lock = try MboxLock.hold(path)
        defer { withExtendedLifetime(lock) {} }
        let (directory, name) = try tree.makePlace(for: target)
        try tree.makeRoom(name, in: directory)
        let slash = path.lastIndex(of: 0x2F) ?? 0
        let source = try Descriptor.openDirectory(Array(path[..<slash]))
        let parent = try Descriptor.openDirectory(directory)
        // ORDER: without its list a mailbox has other UIDs and says so; with a list alone nothing is there.
        try list(of: path).move(to: list(of: directory + [0x2F] + name))
        try source.move(Array(path[(slash + 1)...]), to: parent, name, replaces: false)
        try parent.sync()
        try source.sync()
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) {
        try refuseInbox(mailbox)
        guard let path = tree.files().found.first(where: { $0.name == mailbox })?.path else { return }
        defer { forget() }
        do throws(FormatsError) {
            let lock = try MboxLock.hold(path)
            defer { withExtendedLifetime(lock) {} }
            let content = try MboxContent(reading: path)
            guard content.messages.isEmpty else {
                throw FormatsError(.alreadyExists, "it holds messages", path: mailbox.text)
            }
            let slash = path.lastIndex(of: 0x2F) ?? 0
            let directory = try Descriptor.openDirectory(Array(path[..<slash]))
            _ = try directory.removeIfThere(Array(path[(slash + 1)...]))
            try directory.sync()
            try list(of: path).remove()
        } catch { throw Self.refusal(error, mailbox) }
    }

    private func refuseInbox(_ mailbox: MailboxName) throws(StoreError) {
        if mailbox.octets.elementsEqual("INBOX".utf8) {
            throw StoreError(.refused, "INBOX stays what it is", mailbox: mailbox)
        }
    }

    private static func refusal(_ error: FormatsError, _ mailbox: MailboxName) -> StoreError {
        switch error.kind {
        case .alreadyExists, .invalidName, .notPermitted:
            StoreError(.refused, error.message, mailbox: mailbox, cause: error)
        default: error.storeError()
        }
    }
}
