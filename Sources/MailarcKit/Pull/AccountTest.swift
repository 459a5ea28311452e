import MailCore
import MailIMAP

extension Workspace {
    /// Logs in and lists; changes nothing.
    public static func testAccount(_ account: AccountConfiguration) async throws(KitError) -> AccountTestReport {
        let store = IMAPAccountStore(configuration: IMAPConfiguration(account))
        do throws(StoreError) {
            try await store.connect()
            let (listings, _) = try await store.mailboxes()
            let traits = try await store.traits
            await store.close()
            return AccountTestReport(
                account: account.name, server: traits.implementation, mailboxes: listings.count,
                messages: listings.reduce(0) { $0 + ($1.status?.messageCount ?? 0) },
                sample: listings.prefix(10).map(\.name.text))
        } catch {
            await store.close()
            throw KitError(error)
        }
    }
}
