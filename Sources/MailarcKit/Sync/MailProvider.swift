/// A provider whose servers are known: where they are, and what they let through.
///
/// Only what is published or was seen by many; Documentation/Sync.md, "Limits", has the sources. What a server refuses
/// is found out at run time all the same.
public enum MailProvider: String, Sendable, CaseIterable, Codable {
    case gmail, m365, icloud, yahoo, fastmail, gmx

    /// The IMAP server its help pages name, with TLS on port 993.
    public var host: String {
        switch self {
        case .gmail: "imap.gmail.com"
        case .m365: "outlook.office365.com"
        case .icloud: "imap.mail.me.com"
        case .yahoo: "imap.mail.yahoo.com"
        case .fastmail: "imap.fastmail.com"
        case .gmx: "imap.gmx.net"
        }
    }

    /// LIMIT: connections of one account, well below what is refused, for other programs have theirs.
    public var maxConnections: Int {
        switch self {
        // Google: 15. Exchange: 16 to 20 for a user.
        case .gmail, .m365, .fastmail: 4
        // No number is published; about 10 and 5 were seen.
        case .yahoo: 3
        case .icloud, .gmx: 2
        }
    }

    /// Several commands may be on their way at once.
    ///
    /// QUIRK: Exchange answers them with lines that are none (mbsync's PipelineDepth 1).
    public var pipelines: Bool { self != .m365 }

    /// LIMIT: nine tenths of the 2,500 MB a day that Google names for IMAP downloads; other programs count, too.
    var dailyDownload: Int? { self == .gmail ? 2_250_000_000 : nil }
    /// LIMIT: nine tenths of the 500 MB a day for uploads.
    var dailyUpload: Int? { self == .gmail ? 450_000_000 : nil }
}

extension AccountConfiguration {
    /// Within what `provider` lets through.
    public mutating func keep(to provider: MailProvider) {
        maxConnections = min(maxConnections, provider.maxConnections)
        pipelines = pipelines && provider.pipelines
    }
}

extension SyncEndpoint {
    /// With an account that keeps to its provider.
    func keeping(to provider: MailProvider?) -> SyncEndpoint {
        guard case .account(var account) = self, let provider else { return self }
        account.keep(to: provider)
        return .account(account)
    }

    /// The provider the account was added with.
    var provider: MailProvider? {
        if case .account(let account) = self { account.provider } else { nil }
    }
}
