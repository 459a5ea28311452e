import ArchiveCrypto
import ArchiveLedger
import ArchiveStore
import MailCore

extension Workspace {
    /// The keys that open the archive.
    public func keys() throws(KitError) -> [KeyRow] {
        do { return try archive.slots().map(KeyRow.init) } catch { throw KitError(error, at: path) }
    }

    /// Adds a passphrase, a key file or a recipient.
    public func addKey(_ slot: NewSlot, label: String) async throws(KitError) -> KeyRow {
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                return try row(await writer.addSlot(slot.secret, label: label))
            } catch { throw KitError(error, at: path) }
        }
    }

    /// Removes the key named by `id` or a unique beginning of it; the last one that opens stays.
    public func removeKey(_ id: String) async throws(KitError) -> KeyRow {
        let row = try key(id)
        guard try keys().contains(where: { $0.id != row.id && $0.opens }) else {
            throw KitError(.usage, "the last key cannot be removed", hint: "add another first: mailarc key add")
        }
        return try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) { try await writer.removeSlot(row.id) } catch { throw KitError(error, at: path) }
            return row
        }
    }

    /// Puts a new key in the place of the one named by `id` or a unique beginning of it.
    ///
    /// - Parameters:
    ///   - slot: `nil` for a dry run.
    ///   - label: `nil` keeps the old one's.
    public func rotateKey(_ id: String, to slot: NewSlot?, label: String?) async throws(KitError) -> KeyRotation {
        let old = try key(id)
        guard let slot else { return KeyRotation(removed: old, added: nil) }
        return try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                let added = try await writer.rotateSlot(old.id, to: slot.secret, label: label ?? old.label)
                return KeyRotation(removed: old, added: try row(added))
            } catch { throw KitError(error, at: path) }
        }
    }

    /// Gives the log a new key.
    public func rotateLogKey() async throws(KitError) -> LogKeysReport {
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                return LogKeysReport(origin: archive.identity.origin, keys: try await writer.rotateLogKey())
            } catch { throw KitError(error, at: path) }
        }
    }

    /// The log's public keys; needs no secret.
    ///
    /// - Throws: `.damaged` if they were not handed over from one to the next.
    public static func logKeys(at path: String) throws(KitError) -> LogKeysReport {
        do throws(ArchiveError) {
            let (origin, keys) = try Archive.logKeys(at: path)
            if let defect = keys.defect(origin: origin) { throw ArchiveError(.damaged, defect, path: "keys/log") }
            return LogKeysReport(origin: origin, keys: keys)
        } catch { throw KitError(error, at: path) }
    }

    /// The file of the key named by `id` or a unique beginning of it; needs no secret.
    public static func exportSlot(_ id: String, at path: String) throws(KitError) -> SlotExport {
        do throws(ArchiveError) {
            let row = unique(id, try Archive.slots(at: path).map(KeyRow.init))
            guard let row else {
                throw ArchiveError(.missing, "no key, or several, with an id that begins with \(id)")
            }
            return SlotExport(
                key: row, path: "keys/\(row.id).slot",
                text: String(decoding: try Archive.slotFile(row.id, at: path), as: UTF8.self))
        } catch {
            guard error.kind == .missing else { throw KitError(error, at: path) }
            throw KitError(.notFound, error.message, hint: "mailarc key list")
        }
    }

    private static func unique(_ id: String, _ rows: [KeyRow]) -> KeyRow? {
        let matches = rows.filter { $0.id.hasPrefix(id.lowercased()) }
        return matches.count == 1 && !id.isEmpty ? matches.first : nil
    }

    private func row(_ id: String) throws(ArchiveError) -> KeyRow {
        guard let slot = try archive.slots().first(where: { $0.id == id }) else {
            throw ArchiveError(.missing, "the new key slot is not there")
        }
        return KeyRow(slot)
    }

    /// The key whose id begins with `id`.
    func key(_ id: String) throws(KitError) -> KeyRow {
        let matches = try keys().filter { $0.id.hasPrefix(id.lowercased()) }
        guard let row = matches.first, matches.count == 1, !id.isEmpty else {
            throw KitError(
                .notFound, matches.isEmpty ? "no key with the id \(id)" : "\(id) is the beginning of several ids",
                hint: "mailarc key list")
        }
        return row
    }
}

extension KeyRow {
    init(_ slot: SlotDescription) {
        self.init(
            id: slot.id, type: slot.kind, label: slot.label, created: slot.created, recipient: slot.recipient)
    }

    /// Whether this program can open the archive with it.
    var opens: Bool { type != "unknown" && type != "damaged" }
}

extension LogKeysReport {
    init(origin: String, keys: LogKeys) {
        var rows: [LogKeyRow] = []
        var first: UInt64 = 1
        for former in keys.former where former.key != keys.current {
            let message = LogKeys.Former.message(origin: origin, lastSize: former.lastSize, next: former.next)
            rows.append(
                LogKeyRow(
                    former.key, firstSize: first, lastSize: former.lastSize,
                    handover: Base64.encode(former.signature), handoverText: String(decoding: message, as: UTF8.self)))
            first = former.lastSize
        }
        rows.append(LogKeyRow(keys.current, firstSize: first))
        self.init(origin: origin, keys: rows)
    }
}

extension LogKeyRow {
    fileprivate init(
        _ key: [UInt8], firstSize: UInt64, lastSize: UInt64? = nil, handover: String? = nil,
        handoverText: String? = nil
    ) {
        // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
        let header: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        let body = ArchiveCrypto.Base64.encode(header + key)
        self.init(
            fingerprint: SHA256.hash(key).hex, key: ArchiveCrypto.Base64.encode(key), firstSize: firstSize,
            lastSize: lastSize, pem: "-----BEGIN PUBLIC KEY-----\n\(body)\n-----END PUBLIC KEY-----\n",
            handover: handover, handoverText: handoverText)
    }
}
