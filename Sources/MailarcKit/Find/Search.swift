import ArchiveCatalog
import ArchiveStore
import MailCore

extension Workspace {
    /// The messages `query` finds, newest first.
    public func search(_ query: String, limit: Int, offset: Int) async throws(KitError) -> SearchReport {
        do {
            let result = try catalog.search(Query(parsing: query), limit: limit, offset: offset)
            var rows: [MessageRow] = []
            for hit in result.hits {
                rows.append(MessageRow(hit.entry, places: try catalog.occurrences(of: hit.entry.keyID)))
            }
            return SearchReport(query: query, total: result.total, offset: offset, messages: rows)
        } catch { throw KitError(error) }
    }

    /// All mailboxes with counts: now, or as of `moment` (seconds since 1970).
    public func mailboxes(account: String?, at moment: Int64?) async throws(KitError) -> [MailboxRow] {
        do {
            return try catalog.mailboxes(account: account, at: moment).map { row in
                MailboxRow(
                    account: row.account, mailbox: row.name.text, role: row.role?.rawValue, messages: row.messageCount,
                    octets: Int(row.octetCount), state: row.deleted == nil ? "" : "deleted later")
            }
        } catch { throw KitError(error) }
    }

    /// The messages of a mailbox by UID: now, or as of `moment`.
    public func messages(
        account: String?, mailbox: String, at moment: Int64?, limit: Int
    ) async throws(KitError) -> [MessageRow] {
        do {
            let wanted = mailbox.lowercased()
            let names = Set(
                try catalog.mailboxes(account: account, at: moment).map(\.name).filter {
                    $0.text == mailbox || $0.text.lowercased() == wanted
                })
            guard !names.isEmpty else {
                throw KitError(.notFound, "no mailbox named \(mailbox)", hint: "mailarc list shows what there is")
            }
            var rows: [MessageRow] = []
            for name in names.sorted(by: { $0.text < $1.text }) where rows.count < limit {
                rows += try catalog.messages(account: account, in: name, at: moment, limit: limit - rows.count)
                    .map(MessageRow.init)
            }
            return rows
        } catch let error as KitError { throw error } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.internalError, "listing failed", cause: error) }
    }

    /// The message named by `id` or a unique beginning of it.
    func entry(_ id: String) throws(KitError) -> CatalogEntry {
        let found: [CatalogEntry]
        do { found = try catalog.messages(idPrefix: id.lowercased(), limit: 5) } catch { throw KitError(error) }
        guard let first = found.first else {
            throw KitError(.notFound, "no message with the id \(id)", hint: "ids are in the first column of search")
        }
        guard found.count == 1 else {
            let ids = found.map { String($0.keyID.description.prefix(16)) }
            throw KitError(.notFound, "\(id) is the beginning of several ids: \(ids.joined(separator: ", "))…")
        }
        return first
    }
}

extension MessageRow {
    init(_ entry: CatalogEntry, places: [PlacementRow]) {
        let current = places.filter { $0.until == nil }
        self.init(
            id: entry.keyID.description, date: Clock.text(entry.date), from: entry.from, to: entry.to,
            subject: entry.subject, octets: Int(entry.octetCount), attachments: entry.attachmentCount,
            mailboxes: (current.isEmpty ? places : current).map { "\($0.address.account):\($0.address.mailbox.text)" },
            flags: (current.first ?? places.last)?.flags.flags.map(\.name) ?? [])
    }

    init(_ place: PlacementRow) {
        if let entry = place.entry {
            self.init(entry, places: [place])
        } else {
            self.init(
                id: place.message.description, date: nil, from: "", to: "", subject: "(not in the archive)", octets: 0,
                attachments: 0, mailboxes: ["\(place.address.account):\(place.address.mailbox.text)"],
                flags: place.flags.flags.map(\.name))
        }
    }
}
