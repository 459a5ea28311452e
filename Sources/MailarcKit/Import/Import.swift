import MailCore
import MailFormats
import MailSync

extension Workspace {
    /// Takes the mail of files into the archive.
    ///
    /// - Throws: `.ioFailed` for what cannot be read, `.unacceptable` for what is not of its kind.
    public func importMail(
        _ source: ImportSource, account: String, dryRun: Bool, compressionLevel: Int? = nil,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        let opened = try source.open()
        defer { opened.folder?.remove() }
        let sync = SyncSource(
            store: opened.store, account: account, identity: nil, channel: opened.channel, fidelity: opened.fidelity)
        let run = try await run(account, dryRun: dryRun, compressionLevel: compressionLevel, progress: progress) { _ in
            (sync, nil)
        }
        let store = opened.store as? any ImportStore
        var report = PullReport(run, account: account) { store?.place(of: $0, in: $1) }
        var facts = ImportFacts(kind: source.kind)
        (facts.unescaped, facts.reconstructed) = (run.total(\.unescapedCount), run.total(\.reconstructedCount))
        facts.exact = report.newMessages - facts.unescaped - facts.reconstructed
        facts.notes = opened.notes
        report.problems += opened.problems
        if let findings = store?.findings {
            facts.add(findings)
            report.problems += findings.problems
        }
        report.source = facts
        return report
    }
}

extension ImportFacts {
    fileprivate mutating func add(_ findings: ImportFindings) {
        otherFiles = findings.otherFileCount
        dialects = findings.dialects.map { DialectRow(mailbox: $0.key.text, dialect: $0.value.rawValue) }
            .sorted { $0.mailbox < $1.mailbox }
    }
}

/// A source that is open for reading.
struct OpenedImport {
    var store: any MailStore
    var channel: Channel
    var fidelity = Fidelity.exact
    /// Holds what is read, until it was.
    var folder: PrivateFolder?
    var notes: [String] = []
    /// What was left out before anything was read, as sentences.
    var problems: [String] = []
}

extension ImportSource {
    /// The store behind the path.
    func open() throws(KitError) -> OpenedImport {
        do throws(FormatsError) {
            switch kind {
            case .maildir: return OpenedImport(store: try MaildirStore(path: path), channel: .maildir)
            case .mbox: return OpenedImport(store: try MboxStore(path: path, unquotes: unescapes), channel: .mbox)
            case .eml: return OpenedImport(store: try EMLStore(path: path), channel: .eml)
            case .emlx: return OpenedImport(store: try FileTreeStore(path: path, EmlxLayout()), channel: .eml)
            case .mh: return OpenedImport(store: try FileTreeStore(path: path, MHLayout()), channel: .eml)
            case .zip: return OpenedImport(store: try MemberStore.zip(path, unquotes: unescapes), channel: .eml)
            case .tar: return OpenedImport(store: try MemberStore.tar(path, unquotes: unescapes), channel: .eml)
            case .takeout:
                return OpenedImport(store: try MemberStore.takeout(path, unquotes: unescapes), channel: .mbox)
            case .pst: break
            }
        } catch {
            throw KitError(.ioFailed, "cannot read the mail to import", cause: error)
        }
        return try OutlookFile(path: path).open()
    }
}
