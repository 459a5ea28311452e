import MailCore
import MailIMAP
import MailTransport
import MailarcTesting

/// A store on a scripted server.
func scriptedStore(
    _ server: ScriptedIMAPServer, _ change: (inout IMAPConfiguration) -> Void = { _ in }
) -> IMAPAccountStore {
    var configuration = IMAPConfiguration(
        host: "127.0.0.1", port: server.port, security: .plaintext, user: "anna", password: { Array("secret".utf8) })
    configuration.server.responseTimeout = .seconds(10)
    change(&configuration)
    return IMAPAccountStore(configuration: configuration)
}

/// Everything `store` holds in `mailbox`, fetched and put together.
func fetchAll(
    _ store: IMAPAccountStore, _ mailbox: MailboxName
) async throws -> (octets: [UInt32: [UInt8]], report: FetchReport) {
    let look = try await store.observe(mailbox, since: nil)
    guard case .full(let messages) = look.content else { return ([:], FetchReport()) }
    var octets: [UInt32: [UInt8]] = [:]
    let report = try await store.fetch(messages, from: mailbox, uidValidity: look.status.uidValidity) { message in
        var whole: [UInt8] = []
        while let piece = try await message.next() { whole += piece }
        octets[message.uid.value] = whole
    }
    return (octets, report)
}

/// What a delta or a full listing amounts to, given the cursor it was made from.
func membership(_ look: MailboxObservation, _ known: [UInt32: FlagSet]) -> [UInt32: FlagSet] {
    var result = known
    switch look.content {
    case .full(let messages):
        result = [:]
        for message in messages { result[message.uid.value] = message.flags }
    case .delta(let changed, let vanished):
        for message in changed { result[message.uid.value] = message.flags }
        for uid in vanished.uids { result[uid.value] = nil }
    }
    return result
}

/// The kind of the error `body` throws.
func errorKind(_ body: () async throws -> Void) async -> StoreError.Kind? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StoreError)?.kind
    }
}

let inbox = MailboxName("INBOX")

func bodies(_ count: Int) -> [[UInt8]] {
    (1...count).map { Array("Subject: \($0)\r\n\r\nbody \($0)\r\n".utf8) }
}
