import Glibc
public import MailCore

/// Changes to what is there: all by rename, link and unlink, so that each message is whole at every instant.
extension WritableMaildir {
    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        var outcomes: [UID: FlagOutcome] = [:]
        var content = try content(of: mailbox, uidValidity, changes.lazy.map(\.uid))
        withWriter { $0.forgetKeywords() }
        do {
            for change in changes {
                outcomes[change.uid] =
                    try settled(change.uid, in: mailbox, &content) {
                        (file, content) throws(FormatsError) in
                        try set(change, of: file, in: mailbox, content)
                    } ? .changed : .gone
            }
            try Descriptor.openDirectory(content.directory + Self.current).sync()
        } catch { throw Self.failure(error, mailbox) }
        return outcomes
    }

    private static let current = Array("/cur".utf8)
    /// LIMIT: how often a file is looked for that others rename at the same time.
    private static let attempts = 5

    /// Does `change` to a message's file, looking again for one that others renamed; false when the message is gone.
    private func settled(
        _ uid: UID, in mailbox: MailboxName, _ content: inout MaildirStore.Content,
        _ change: (MaildirStore.File, MaildirStore.Content) throws(FormatsError) -> Bool
    ) throws -> Bool {
        for attempt in 0..<Self.attempts {
            guard let file = content.files.file(uid) else { return false }
            if try change(file, content) { return true }
            if attempt < Self.attempts - 1 { content = try look(mailbox, content.validity) }
        }
        throw FormatsError(.ioFailed, "others rename a file all the time", path: mailbox.text)
    }

    /// False when the file is not there. Flags are computed from the name it has now: what others set stays.
    private func set(
        _ change: FlagChange, of file: MaildirStore.File, in mailbox: MailboxName, _ content: MaildirStore.Content
    ) throws(FormatsError) -> Bool {
        let slash = file.path.lastIndex(of: 0x2F) ?? 0
        let name = file.name
        let old = name.flags(keywords: content.keywords)
        let flags = FlagSet(old.flags.filter { !change.removing.contains($0) } + change.adding.flags)
        let unknown = name.letters.filter { !MaildirFileName.isKnown($0, keywords: content.keywords) }
        let letters = try withWriter { writer throws(FormatsError) in
            try writer.letters(of: flags, in: mailbox)
        }
        let new = MaildirFileName(base: name.base, letters: Set(letters + unknown).sorted()).octets
        let source = try Descriptor.openDirectory(Array(file.path[..<slash]))
        let current = content.directory + Self.current
        if file.path[(slash + 1)...].elementsEqual(new), file.path[..<slash].elementsEqual(current) {
            return FileStatus.at(file.path) != nil
        }
        do throws(FormatsError) {
            try source.move(
                Array(file.path[(slash + 1)...]), to: try Descriptor.openDirectory(current), new, replaces: true)
            return true
        } catch {
            guard error.kind == .notFound else { throw error }
            return false
        }
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try transfer(uids, from: mailbox, uidValidity, to: target, removes: false)
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try transfer(uids, from: mailbox, uidValidity, to: target, removes: true)
    }

    private func transfer(
        _ uids: UIDSet, from mailbox: MailboxName, _ uidValidity: UIDValidity, to target: MailboxName, removes: Bool
    ) throws(StoreError) -> CopyReport {
        var content = try content(of: mailbox, uidValidity, uids.uids)
        let directory = try reader.directory(of: target)
        var bases: [(uid: UID, base: [UInt8])] = []
        var report = CopyReport()
        withWriter { $0.forgetKeywords() }
        do {
            for uid in uids.uids {
                if let file = content.files.file(uid), let base = try transfer(file, content, to: target, directory) {
                    bases.append((uid, base))
                } else {
                    report.missing.insert(uid)
                }
            }
            // ORDER: they are in the target before they leave.
            try Descriptor.openDirectory(directory + Self.current).sync()
            if removes { try remove(bases.lazy.map(\.uid), from: mailbox, &content) }
        } catch { throw Self.failure(error, mailbox) }
        let (validity, new, list) = try assign(bases.map(\.base), in: target, directory)
        do throws(FormatsError) {
            if let list { try Descriptor.openForReading(list).sync() }
        } catch { throw Self.failure(error, target) }
        report.uidValidity = validity
        for (entry, uid) in zip(bases, new) { report.mapping[entry.uid] = uid }
        return report
    }

    /// Gives the file a second name in `directory`, or copies it where the file system has no such thing; the new base.
    private func transfer(
        _ file: MaildirStore.File, _ content: MaildirStore.Content, to target: MailboxName, _ directory: [UInt8]
    ) throws(FormatsError) -> [UInt8]? {
        guard
            let path = FileStatus.at(file.path) != nil
                ? file.path : MaildirStore.path(ofBase: file.name.base, in: content.directory)
        else { return nil }
        let slash = path.lastIndex(of: 0x2F) ?? 0
        let name = MaildirFileName(parsing: Array(path[(slash + 1)...]))
        guard FileStatus.at(path) != nil else { return nil }
        let input = try Descriptor.openForReading(path)
        let status = try input.status()
        let flags = name.flags(keywords: content.keywords)
        return try withWriter { writer throws(FormatsError) in
            let letters = try writer.letters(of: flags, in: target)
            let base = writer.nextBase(now()) + Array(",S=\(status.octetCount)".utf8)
            let new = MaildirFileName(base: base, letters: letters).octets
            let source = try Descriptor.openDirectory(Array(path[..<slash]))
            let destination = try Descriptor.openDirectory(directory + Self.current)
            if try source.link(Array(path[(slash + 1)...]), to: destination, new) { return base }
            var offset = 0
            let staged = try writer.stage(
                for: target, flags: flags, internalDate: InternalDate(secondsSinceEpoch: status.modified), now: now()
            ) { () throws(FormatsError) in
                let octets = try input.read(1 << 16, at: offset)
                offset += octets.count
                return octets.isEmpty ? nil : octets
            }
            try staged.sync()
            return try writer.publish(staged)
        }
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        var content = try content(of: mailbox, uidValidity, uids.uids)
        do { try remove(uids.uids, from: mailbox, &content) } catch { throw Self.failure(error, mailbox) }
        return uids
    }

    private func remove(
        _ uids: some Sequence<UID>, from mailbox: MailboxName, _ content: inout MaildirStore.Content
    ) throws {
        for uid in uids {
            _ = try settled(uid, in: mailbox, &content) { (file, _) throws(FormatsError) in
                let slash = file.path.lastIndex(of: 0x2F) ?? 0
                let folder = try Descriptor.openDirectory(Array(file.path[..<slash]))
                return try folder.removeIfThere(Array(file.path[(slash + 1)...]))
            }
        }
        try syncFolders(content)
    }

    private func syncFolders(_ content: MaildirStore.Content) throws(FormatsError) {
        for folder in ["/cur", "/new"] where FileStatus.at(content.directory + Array(folder.utf8)) != nil {
            try Descriptor.openDirectory(content.directory + Array(folder.utf8)).sync()
        }
    }

    // MARK: Mailboxes

    /// Broken off, mailboxes inside may have the new name already, and the mailbox itself the old one.
    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX keeps its name", mailbox: mailbox) }
        let (all, _) = try reader.directories()
        guard all.contains(where: { $0.name == mailbox }) else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        guard !all.contains(where: { $0.name == target }) else {
            throw StoreError(.refused, "a mailbox of that name is there", mailbox: target)
        }
        let prefix = mailbox.octets + [0x2E]
        let inside = all.filter { $0.name.octets.starts(with: prefix) }
        do throws(FormatsError) {
            for child in inside {
                let name = target.octets + [0x2E] + child.name.octets.dropFirst(prefix.count)
                try move(child.path, to: MailboxName(octets: name, delimiter: 0x2E))
            }
            if let own = all.first(where: { $0.name == mailbox }) { try move(own.path, to: target) }
            withWriter { $0.forgetKeywords() }
        } catch { throw error.storeError(target) }
    }

    private func move(_ path: [UInt8], to name: MailboxName) throws(FormatsError) {
        let slash = path.lastIndex(of: 0x2F) ?? 0
        let root = try Descriptor.openDirectory(Array(path[..<slash]))
        let folder = MaildirFolderName.encode(name.octets, delimiter: name.delimiter)
        try withWriter { writer throws(FormatsError) in
            try writer.note(name, isShortened: folder.isShortened, in: Descriptor.openDirectory(path))
        }
        try root.move(Array(path[(slash + 1)...]), to: root, [0x2E] + folder.octets, replaces: true)
        try root.sync()
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) {
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX cannot be removed", mailbox: mailbox) }
        guard let path = try reader.directories().found.first(where: { $0.name == mailbox })?.path else { return }
        do throws(FormatsError) {
            let directory = try Descriptor.openDirectory(path)
            // A directory with a file in it cannot be removed: a message that comes meanwhile is safe.
            for folder in ["new", "cur"] {
                guard try directory.removeDirectory(Array(folder.utf8)) else {
                    try directory.makeDirectory(Array("new".utf8))
                    throw FormatsError(.alreadyExists, "it is not empty", path: mailbox.text)
                }
            }
            for name in try Directory.names(path + Array("/tmp".utf8)) {
                try directory.openDirectory(Array("tmp".utf8)).remove(name)
            }
            _ = try directory.removeDirectory(Array("tmp".utf8))
            for name in try Directory.names(path) { directory.remove(name) }
            let slash = path.lastIndex(of: 0x2F) ?? 0
            let root = try Descriptor.openDirectory(Array(path[..<slash]))
            _ = try root.removeDirectory(Array(path[(slash + 1)...]))
            try root.sync()
            withWriter { $0.forgetKeywords() }
        } catch {
            guard error.kind != .alreadyExists else { throw StoreError(.refused, error.message, mailbox: mailbox) }
            throw error.storeError(mailbox)
        }
    }
}
