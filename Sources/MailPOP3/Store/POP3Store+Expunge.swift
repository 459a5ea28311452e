public import MailCore

extension POP3Store: ReadingStore {
    /// Messages are deleted one by one, where a unique-id tells which; nothing else can be changed.
    ///
    /// QUIRK: with `EXPIRE 0` the end of a session deletes all that was read: nothing is deleted there on purpose.
    public var abilities: StoreAbilities {
        get async throws(StoreError) {
            let facts = try await connection.facts()
            return StoreAbilities(expungesExactly: facts.hasUniqueIDs && !facts.deletesWhatWasRead)
        }
    }

    public func hierarchy() async throws(StoreError) -> StoreHierarchy { StoreHierarchy(delimiter: nil) }

    /// Deletes exactly these messages; those that are gone afterwards.
    ///
    /// DELE for each and QUIT, which commits. Only a message that has a unique-id of its own and was read whole in this
    /// very session is deleted: within a session its number can mean nothing else. Where QUIT is not confirmed, nothing
    /// counts as deleted until another session's UIDL shows it.
    /// - Throws: `.uidValidityChanged`; connection errors, after which nobody knows.
    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        try Self.require(mailbox)
        let session = try await connection.lease()
        let marked: UIDSet
        do throws(StoreError) { marked = try await mark(uids, uidValidity, on: session) } catch {
            await connection.discard(session)
            throw error
        }
        guard !marked.isEmpty else {
            await connection.giveBack(session)
            return marked
        }
        let isConfirmed = await session.quit(deletes: true)
        await connection.discard(session)
        if isConfirmed { return marked }
        let there = try await describe(marked, of: mailbox, uidValidity: uidValidity)
        return marked.subtracting(UIDSet(there.map(\.uid)))
    }

    /// Those of `uids` that are marked as deleted on the server now.
    private func mark(
        _ uids: UIDSet, _ uidValidity: UIDValidity, on session: POP3Session
    ) async throws(StoreError) -> UIDSet {
        // A session that was not looked at has read nothing.
        guard let drop = session.maildrop else { return UIDSet() }
        guard drop.uidValidity == uidValidity else { throw .otherUIDs }
        let messages = uids.uids.compactMap { drop[$0] }.filter {
            $0.isIdentified && session.retrieved.contains($0.number)
        }
        if session.pipelines { for message in messages { session.send(Self.dele(message)) } }
        var marked = UIDSet()
        for message in messages {
            if !session.pipelines { session.send(Self.dele(message)) }
            if try await session.reply().isOK { marked.insert(message.uid) }
        }
        return marked
    }

    private static func dele(_ message: Maildrop.Message) -> [UInt8] { Array("DELE \(message.number)".utf8) }
}
