import MailCore
import MailIMAP
import MailIMAPCore

extension Workspace {
    /// Looks at everything but changes nothing: commands that could write are refused before they are sent.
    ///
    /// No archive takes part.
    /// - Throws: `.usage` for a POP3 account; `.connection`, `.authentication`, `.tls`.
    public static func survey(
        _ account: AccountConfiguration, progress: @escaping ProgressHandler = { _ in }
    ) async throws(KitError) -> AccountSurvey {
        try account.requireIMAP("there are no strategies to choose from")
        var account = account
        account.onlyReads = true
        let run = SurveyRun(account, progress)
        do throws(StoreError) {
            let survey = try await run.survey()
            await run.store.close()
            return survey
        } catch {
            await run.store.close()
            throw KitError(error)
        }
    }
}

/// One survey, step by step on one store.
private struct SurveyRun {
    let store: IMAPAccountStore
    private let account: AccountConfiguration
    private let progress: ProgressHandler

    /// LIMIT: NOOPs whose median is the round trip.
    private static let pingCount = 7
    /// LIMIT: messages whose Message-IDs are read: servers open a file for each.
    private static let messageIDCount = 2_000
    /// LIMIT: of the sample; enough for a second on a line of 30 Mbit/s.
    private static let (sampleMessageCount, sampleOctetCount) = (200, 4 << 20)

    init(_ account: AccountConfiguration, _ progress: @escaping ProgressHandler) {
        (self.account, self.progress) = (account, progress)
        store = IMAPAccountStore(configuration: IMAPConfiguration(account))
    }

    func survey() async throws(StoreError) -> AccountSurvey {
        var survey = AccountSurvey(account: account.name)
        try await measured(.login, &survey) { (_) async throws(StoreError) in try await store.connect() }
        survey.server = try await store.traits.implementation
        survey.mechanism = try await store.login.method
        survey.capabilities = try await store.capabilities.names.sorted()
        survey.roundTripSeconds = try await roundTrip()
        let listings = try await measured(.listing, &survey) { (_) async throws(StoreError) in
            try await store.mailboxes().listings
        }
        let seen = try await measured(.metadata, &survey) { (survey) async throws(StoreError) in
            try await metadata(listings, &survey)
        }
        try await measured(.again, &survey) { (_) async throws(StoreError) in
            try await store.observe(seen.map(\.request), limit: nil) { _, _ in }
        }
        try await measured(.messageIDs, &survey) { (survey) async throws(StoreError) in
            try await messageIDs(seen, &survey)
        }
        if let largest = seen.max(by: { $0.messages.count < $1.messages.count }) {
            try await measured(.sample, &survey) { (survey) async throws(StoreError) in
                try await sample(largest, &survey)
            }
        }
        return survey
    }

    /// A mailbox that was looked at.
    private struct Seen {
        var name: MailboxName
        var status: MailboxStatus
        var messages: [MessageSummary]

        /// What asks for changes since.
        var request: ObservationRequest {
            let uids = UIDSet(messages.map(\.uid))
            return ObservationRequest(mailbox: name, cursor: MailboxCursor(status: status, knownUIDs: uids))
        }
    }

    @discardableResult
    private func measured<T>(
        _ kind: AccountSurvey.Step.Kind, _ survey: inout AccountSurvey,
        _ body: (inout AccountSurvey) async throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        progress(
            KitProgress(
                phase: "surveying", subject: kind.rawValue, done: survey.steps.count,
                total: AccountSurvey.Step.Kind.allCases.count))
        let (began, before) = (ContinuousClock.now, store.traffic)
        let value = try await body(&survey)
        let after = store.traffic
        survey.steps.append(
            .init(
                kind: kind, seconds: Self.seconds(since: began), roundTrips: after.roundTrips - before.roundTrips,
                octets: after.octets - before.octets))
        return value
    }

    private static func seconds(since began: ContinuousClock.Instant) -> Double {
        let elapsed = began.duration(to: .now).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    private func roundTrip() async throws(StoreError) -> Double {
        var times: [Double] = []
        for _ in 0..<Self.pingCount {
            let began = ContinuousClock.now
            try await store.ping()
            times.append(Self.seconds(since: began))
        }
        return times.sorted()[Self.pingCount / 2]
    }

    private func metadata(
        _ listings: [MailboxListing], _ survey: inout AccountSurvey
    ) async throws(StoreError) -> [Seen] {
        var (seen, found): ([Seen], AccountSurvey) = ([], survey)
        let selectable = listings.filter(\.isSelectable)
        let requests = selectable.map { ObservationRequest(mailbox: $0.name, cursor: nil) }
        try await store.observe(requests, limit: nil) { mailbox, result in
            switch result {
            case .failure(let error): found.unseen.append("\(mailbox.text): \(error.message)")
            case .success(let look):
                guard case .full(let messages) = look.content else { return }
                found.add(mailbox, look.status, messages)
                seen.append(Seen(name: mailbox, status: look.status, messages: messages))
            }
        }
        found.mailboxes = selectable.count
        survey = found
        return seen
    }

    private func messageIDs(_ seen: [Seen], _ survey: inout AccountSurvey) async throws(StoreError) {
        // The mailboxes with most messages first: that is where mail is received.
        for mailbox in seen.sorted(by: { $0.messages.count > $1.messages.count }) {
            let uids = mailbox.messages.suffix(Self.messageIDCount - survey.messageIDs.looked).map(\.uid)
            guard !uids.isEmpty else { continue }
            let ids = try await store.messageIDs(
                of: UIDSet(uids), in: mailbox.name, uidValidity: mailbox.status.uidValidity)
            let present = ids.filter { !$0.isEmpty }
            survey.messageIDs.looked += ids.count
            survey.messageIDs.missing += ids.count - present.count
            survey.messageIDs.repeated += present.count - Set(present).count
        }
    }

    private func sample(_ mailbox: Seen, _ survey: inout AccountSurvey) async throws(StoreError) {
        var (chosen, announced): ([MessageSummary], Int) = ([], 0)
        for message in mailbox.messages.reversed() {
            guard chosen.count < Self.sampleMessageCount, announced < Self.sampleOctetCount else { break }
            announced += message.octetCount ?? 0
            chosen.append(message)
        }
        var (messages, octets) = (0, 0)
        _ = try await store.fetch(chosen.reversed(), from: mailbox.name, uidValidity: mailbox.status.uidValidity) {
            while let piece = try await $0.next() { octets += piece.count }
            messages += 1
        }
        (survey.sampleMessages, survey.sampleOctets) = (messages, octets)
    }
}

extension AccountSurvey {
    fileprivate mutating func add(_ mailbox: MailboxName, _ status: MailboxStatus, _ found: [MessageSummary]) {
        messages += found.count
        octets += found.reduce(0) { $0 + ($1.octetCount ?? 0) }
        markedDeleted += found.count { $0.flags.contains(.deleted) }
        if found.count > largestMailboxMessages {
            (largestMailbox, largestMailboxMessages) = (mailbox.text, found.count)
        }
        if status.uidValidity.value == 0 { withoutLastingUIDs.append(mailbox.text) }
        if status.highestModSeq == nil { withoutModSeq.append(mailbox.text) }
    }
}
