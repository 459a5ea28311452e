import MailCore
import MailIMAP
import MailIMAPCore
import MailPOP3

extension Workspace {
    /// Logs in and lists; changes nothing.
    public static func testAccount(_ account: AccountConfiguration) async throws(KitError) -> AccountTestReport {
        switch account.mailProtocol {
        case .imap: try await testMailboxes(account)
        case .pop3: try await testMaildrop(account)
        }
    }

    private static func testMaildrop(_ account: AccountConfiguration) async throws(KitError) -> AccountTestReport {
        let connection = POP3Connection(POP3Configuration(account))
        do throws(StoreError) {
            let facts = try await connection.facts()
            await connection.close()
            var report = AccountTestReport(
                account: account.name, server: facts.implementation, mailboxes: 1, messages: facts.messageCount,
                sample: [POP3Store.inbox.text], offers: facts.offers, uses: facts.uses(account.security))
            (report.mechanisms, report.mechanism) = (facts.mechanisms, facts.login)
            report.token = account.tokenReport()
            return report
        } catch {
            await connection.close()
            throw KitError(error)
        }
    }

    private static func testMailboxes(_ account: AccountConfiguration) async throws(KitError) -> AccountTestReport {
        let store = IMAPAccountStore(configuration: IMAPConfiguration(account))
        do throws(StoreError) {
            try await store.connect()
            let (listings, _) = try await store.mailboxes()
            let traits = try await store.traits
            let (capabilities, login) = (try await store.capabilities, try await store.login)
            await store.close()
            var report = AccountTestReport(
                account: account.name, server: traits.implementation, mailboxes: listings.count,
                messages: listings.reduce(0) { $0 + ($1.status?.messageCount ?? 0) },
                sample: listings.prefix(10).map(\.name.text), offers: capabilities.names.sorted(),
                uses: capabilities.uses(account))
            (report.mechanisms, report.mechanism) = (login.mechanisms, login.method)
            report.token = account.tokenReport()
            return report
        } catch {
            await store.close()
            throw KitError(error)
        }
    }
}

extension CapabilitySet {
    /// What pull, sync and watch use, in words.
    fileprivate func uses(_ account: AccountConfiguration) -> [String] {
        var words = [account.security.words("STARTTLS")]
        words.append(
            hasQuickResync
                ? "QRESYNC: what changed and what left, nothing else"
                : hasConditionalStore ? "CONDSTORE: what changed; what left is searched for" : "flags of all messages")
        words.append(hasListStatus ? "LIST-STATUS: all counters in one round trip" : "STATUS of each mailbox")
        words.append(
            hasUIDPlus
                ? "UIDPLUS: deletes exactly what is to go" : "no UIDPLUS: deletes only where nothing else is marked")
        if hasMove { words.append("MOVE") }
        if contains("MULTIAPPEND") { words.append("MULTIAPPEND") }
        if contains("BINARY") { words.append("BINARY: takes NUL") }
        if hasGmailExtensions { words.append("X-GM-EXT-1: labels are mailboxes, a message is fetched once") }
        words.append(
            contains("NOTIFY") ? "NOTIFY: watches all mailboxes" : contains("IDLE") ? "IDLE: watches INBOX" : "polling")
        words.append("\(account.maxConnections) connections at most")
        return words
    }
}

extension AccountConfiguration.Security {
    fileprivate func words(_ command: String) -> String {
        switch self {
        case .tls: "TLS"
        case .starttls: command
        case .plain: "no encryption"
        }
    }
}

extension POP3Facts {
    /// What a pull uses, in words.
    fileprivate func uses(_ security: AccountConfiguration.Security) -> [String] {
        var words = [security.words("STLS")]
        words.append(login == "USER" ? "USER and PASS" : "AUTH \(login)")
        if hasUniqueIDs {
            words.append("UIDL: a message is fetched once")
            if unidentifiedCount > 0 { words.append("\(unidentifiedCount) messages have no id of their own") }
        } else {
            words.append("no UIDL: everything is read in each run, nothing deleted")
        }
        if hasPipelining { words.append("PIPELINING") }
        if deletesWhatWasRead { words.append("EXPIRE 0: sessions end without QUIT, nothing is deleted") }
        return words
    }
}
