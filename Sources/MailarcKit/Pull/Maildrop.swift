import ArchiveCrypto
import ArchiveStore
import MailCore
import MailPOP3
import MailSync

extension Workspace {
    /// Takes new mail of a POP3 account into the archive.
    func pullMaildrop(
        _ account: AccountConfiguration, mailboxes: [String], dryRun: Bool, compressionLevel: Int?,
        deletionAge: Int64?, progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        let inbox = POP3Store.inbox.text
        guard mailboxes.isEmpty || mailboxes.contains(where: { MailboxGlob.matches(inbox, $0) }) else {
            throw KitError(.usage, "\(account.name) is a POP3 account: it has INBOX alone", hint: "leave --mailbox out")
        }
        let connection = POP3Connection(POP3Configuration(account))
        do throws(KitError) {
            let facts: POP3Facts
            do throws(StoreError) { facts = try await connection.facts() } catch { throw KitError(error) }
            if deletionAge != nil { try facts.checkDeletion(in: account.name) }
            let digestKey = try stateKey()
            let found = try await run(
                account.name, dryRun: dryRun, compressionLevel: compressionLevel, progress: progress
            ) { state in
                let numbering = MessageNumbering(account: account.name, now: Clock.now(), isKept: !dryRun)
                let register = StateRegister(state: state, digestKey: digestKey, numbering: numbering)
                let store = POP3Store(connection, register: register, digesting: .sha256)
                var deletion = deletionAge.map { SourceDeletion(of: store, age: $0) }
                deletion?.countsFromFirstSight = true
                let source = SyncSource(
                    store: store, account: account.name, identity: account.identity, channel: account.channel)
                return (source, deletion)
            }
            var report = PullReport(found, account: account.name)
            report.noteUnidentified(facts.unidentifiedCount)
            await connection.close()
            return report
        } catch {
            await connection.close()
            throw error
        }
    }

    private func stateKey() throws(KitError) -> [UInt8] {
        do { return try archive.stateKey() } catch { throw KitError(error, at: path) }
    }
}

extension POP3Facts {
    /// - Throws: `.usage`, before anything is done, where a message cannot be deleted by itself.
    fileprivate func checkDeletion(in account: String) throws(KitError) {
        let reason: String
        if !hasUniqueIDs {
            reason = "has no UIDL: nobody can tell for good which message is which"
        } else if deletesWhatWasRead {
            reason = "says EXPIRE 0: it would delete all that was read, not only what is archived"
        } else {
            return
        }
        throw KitError(.usage, "the server of \(account) \(reason)", hint: "leave --delete-source-after out")
    }
}

extension PullReport {
    fileprivate mutating func noteUnidentified(_ count: Int) {
        guard count > 0, !mailboxes.isEmpty else { return }
        let note = "\(count) without a unique-id of their own: read in each run, never deleted"
        mailboxes[0].note += (mailboxes[0].note.isEmpty ? "" : ", ") + note
    }
}

/// The UIDs of a maildrop in the sync state.
private struct StateRegister: UniqueIDRegister {
    let state: SyncState
    /// Digests of mail are written down keyed only.
    let digestKey: [UInt8]
    let numbering: MessageNumbering

    func uids(of keys: [MessageKey]) async throws(StoreError) -> (uidValidity: UIDValidity, uids: [UID]) {
        do throws(SyncError) { return try await state.number(keys.map(text), by: numbering) } catch {
            throw StoreError(error.kind == .diskFull ? .diskFull : .ioFailed, error.message, cause: error)
        }
    }

    private func text(_ key: MessageKey) -> String {
        switch key {
        case .uniqueID(let id): "id:" + id.hex
        case .content(let digest, let ordinal):
            "content:"
                + Array(HMAC.sha256(key: digestKey, Array("mailarc/1/maildrop-content\0".utf8) + digest).prefix(16)).hex
                + ":\(ordinal)"
        }
    }
}

extension ContentDigesting {
    /// On OpenSSL.
    fileprivate static let sha256 = ContentDigesting {
        let hash = PairHashing().start()
        return ({ hash.update($0) }, { hash.finish() })
    }
}
