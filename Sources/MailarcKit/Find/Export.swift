import ArchiveCatalog
import ArchiveStore
import MailCore
import MailFormats

extension Workspace {
    /// Writes the occurrences of the messages `query` finds to `target`: tree, flags and dates as they are, or were.
    public func export(
        _ query: String, to target: ExportTarget, at moment: Int64?, dryRun: Bool, progress: @escaping ProgressHandler
    ) async throws(KitError) -> ExportReport {
        do {
            let query = try Query(parsing: query)
            let places = PlaceFilter(query)
            let selected = try selection(query)
            let mailboxes = try catalog.mailboxes(at: moment).filter {
                places.admits(account: $0.account, mailbox: $0.name)
            }
            var export = Export(
                target: target, selected: selected, accounts: Set(mailboxes.map(\.account)).count, progress: progress)
            if !dryRun { try export.open() }
            export.total = mailboxes.reduce(0) { $0 + $1.messageCount }
            let reader = reader()
            for mailbox in mailboxes {
                let rows = try catalog.messages(account: mailbox.account, in: mailbox.name, at: moment)
                try export.write(mailbox, rows, reader: dryRun ? nil : reader)
            }
            if !dryRun { try export.finish() }
            return export.report
        } catch let error as KitError {
            throw error
        } catch let error as CatalogError {
            throw KitError(error)
        } catch let error as FormatsError {
            throw KitError(
                error.kind == .alreadyExists ? .alreadyExists : .ioFailed, error.description,
                hint: "export to a folder that is new or empty")
        } catch { throw KitError(.ioFailed, "the export failed", cause: error) }
    }

    /// The messages `query` finds; `nil` for all.
    func selection(_ query: Query) throws(CatalogError) -> Set<RandomID>? {
        guard query != .all else { return nil }
        var found: Set<RandomID> = []
        try catalog.forEach(query) { entry in
            found.insert(entry.keyID)
            return true
        }
        return found
    }
}

/// One export under way.
private struct Export {
    let target: ExportTarget
    let selected: Set<RandomID>?
    /// With several accounts each gets a folder of its own.
    let accounts: Int
    let progress: ProgressHandler
    var total = 0
    var report: ExportReport
    private var writer: (any ExportWriter)?
    private var contents: Set<RandomID> = []
    private var done = 0

    init(target: ExportTarget, selected: Set<RandomID>?, accounts: Int, progress: @escaping ProgressHandler) {
        (self.target, self.selected, self.accounts, self.progress) = (target, selected, accounts, progress)
        report = ExportReport(
            target: target.path, occurrences: 0, messages: 0, octets: 0, mailboxes: 0, problems: [])
    }

    mutating func open() throws {
        try EmptyFolder.make(target.path)
        switch target {
        case .maildir(let path): writer = try MaildirExport(path: path)
        case .mbox(let path): writer = MboxExport(root: path)
        case .eml(let path): writer = EMLExport(root: path)
        }
    }

    mutating func write(_ mailbox: ArchiveCatalog.MailboxRow, _ rows: [PlacementRow], reader: ArchiveReader?) throws {
        let wanted = rows.filter { selected?.contains($0.message) ?? true }
        done += rows.count - wanted.count
        guard !wanted.isEmpty || selected == nil else { return }
        report.mailboxes += 1
        let name = ExportName(account: accounts > 1 ? mailbox.account : nil, mailbox: mailbox.name)
        if reader != nil { try writer?.begin(name) }
        for row in wanted {
            if let reader { try write(row, name, reader) } else { count(row) }
            done += 1
            progress(
                KitProgress(
                    phase: "exporting", subject: mailbox.name.text, done: done, total: total,
                    octetsDone: report.octets))
        }
    }

    mutating func finish() throws { try writer?.finish() }

    private mutating func write(_ row: PlacementRow, _ name: ExportName, _ reader: ArchiveReader) throws {
        do {
            let message = try reader.message(row.message)
            try writer?.write(row, message)
            count(row)
        } catch let error as ArchiveError {
            report.problems.append("\(row.address.mailbox.text) UID \(row.address.uid): \(error.description)")
        }
    }

    private mutating func count(_ row: PlacementRow) {
        report.occurrences += 1
        if contents.insert(row.message).inserted { report.messages += 1 }
        report.octets += Int(row.entry?.octetCount ?? 0)
    }
}

extension ExportTarget {
    var path: String {
        switch self {
        case .maildir(let path), .mbox(let path), .eml(let path): path
        }
    }
}
