import MailarcKit

/// An end of a sync as it stands on the command line.
enum SyncEnd {
    /// What stands behind `archive:`.
    static func archiveName(_ text: String) -> String? {
        text.hasPrefix("archive:") ? String(text.dropFirst("archive:".count)) : nil
    }

    static func endpoint(
        _ text: String, _ passwordFile: String?, _ configuration: ConfigurationOptions
    ) throws(KitError) -> SyncEndpoint {
        if text.hasPrefix("maildir:") { return .maildir(String(text.dropFirst(8))) }
        if text.hasPrefix("mbox:") { return .mbox(String(text.dropFirst(5))) }
        if text.contains("://") { return .account(try AccountURL(text).configuration(passwordFile: passwordFile)) }
        if text.contains(":") {
            throw KitError(
                .usage, "not an end of a sync: \(text)",
                hint: "an account's name, imaps://USER@HOST, maildir:PATH, mbox:PATH or archive:NAME")
        }
        return .account(try configuration.account(text).configuration)
    }
}

/// Both ends of a sync as they stand on the command line.
enum SyncEnds {
    /// Opens what is needed of the archive, runs `body`, and closes it again.
    static func with(
        _ source: String, _ destination: String, _ options: SyncOptions, _ configuration: ConfigurationOptions,
        _ archive: ArchiveOptions, _ body: (SyncEndpoint, SyncEndpoint) async throws -> Void
    ) async throws {
        let (from, into) = (SyncEnd.archiveName(source), SyncEnd.archiveName(destination))
        func end(_ text: String, _ passwordFile: String?) throws(KitError) -> SyncEndpoint {
            try SyncEnd.endpoint(text, passwordFile, configuration)
        }
        // Before the archive is opened: what is wrong with a name costs no passphrase.
        let a = try from == nil ? end(source, options.sourcePasswordFile) : nil
        let b = try into == nil ? end(destination, options.destinationPasswordFile) : nil
        if let a, let b { return try await body(a, b) }
        let account = try into.map { name throws(KitError) in try Self.account(name, from: a) }
        let workspace = try await archive.open()
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await body(
                    Self.source(a, named: from, workspace), b ?? .archive(workspace, account: account ?? "")))
        } catch { result = .failure(error) }
        await workspace.close()
        try result.get()
    }

    /// The source: `end`, or else the account of the archive that `name` means.
    private static func source(
        _ end: SyncEndpoint?, named name: String?, _ workspace: Workspace
    ) throws(KitError) -> SyncEndpoint {
        if let end { return end }
        return .archive(workspace, account: try workspace.account(named: name ?? ""))
    }

    /// The account of the archive that `archive:` and `name` mean as a destination; without a name that of the source.
    private static func account(_ name: String, from source: SyncEndpoint?) throws(KitError) -> String {
        if !name.isEmpty { return name }
        guard case .account(let account) = source else {
            throw KitError(
                .usage, "a destination in the archive needs an account's name", hint: "for example archive:old-mail")
        }
        return account.name
    }
}
