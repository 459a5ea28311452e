import ArchiveStore

extension Workspace {
    /// The keys that open the archive.
    public func keys() throws(KitError) -> [KeyRow] {
        do { return try archive.slots().map(KeyRow.init) } catch { throw KitError(error, at: path) }
    }

    /// Adds a passphrase or key file.
    public func addKey(_ slot: NewSlot, label: String) async throws(KitError) -> KeyRow {
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                let id = try await writer.addSlot(slot.secret, label: label)
                guard let added = try archive.slots().first(where: { $0.id == id }) else {
                    throw ArchiveError(.missing, "the new key slot is not there")
                }
                return KeyRow(added)
            } catch { throw KitError(error, at: path) }
        }
    }

    /// Removes the key named by `id` or a unique beginning of it; the last one stays.
    public func removeKey(_ id: String) async throws(KitError) -> KeyRow {
        let matches = try keys().filter { $0.id.hasPrefix(id.lowercased()) }
        guard let row = matches.first, matches.count == 1 else {
            throw KitError(
                .notFound, matches.isEmpty ? "no key with the id \(id)" : "\(id) is the beginning of several ids",
                hint: "mailarc key list")
        }
        guard try keys().count > 1 else {
            throw KitError(.usage, "the last key cannot be removed", hint: "add another first: mailarc key add")
        }
        return try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) { try await writer.removeSlot(row.id) } catch { throw KitError(error, at: path) }
            return row
        }
    }
}

extension KeyRow {
    init(_ slot: SlotDescription) {
        self.init(id: slot.id, type: slot.kind, label: slot.label, created: slot.created)
    }
}
