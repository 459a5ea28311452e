internal import MailCore

/// Looks at many mailboxes, pipelined where the store can, else a few at once.
struct Observer: Sendable {
    let store: any MailStore
    let concurrency: Int
    /// Messages of one mailbox that are described in one look; a ``MailCore/PartwiseStore`` with more is not asked.
    var limit: Int?

    typealias Results = [MailboxName: Result<MailboxObservation, StoreError>]

    func observe(_ requests: [ObservationRequest]) async throws -> Results {
        if requests.count > 1 || limit != nil, let store = store as? any PipelinedStore {
            var results: Results = [:]
            try await store.observe(requests, limit: limit) { results[$0] = $1 }
            return results
        }
        return try await observeWindowed(requests)
    }

    private func observeWindowed(_ requests: [ObservationRequest]) async throws -> Results {
        let (store, limit) = (store, limit)
        return try await withThrowingTaskGroup(
            of: (MailboxName, Result<MailboxObservation, StoreError>).self
        ) { group in
            var rest = requests[...]
            var results: Results = [:]
            func addNext() {
                guard let request = rest.popFirst() else { return }
                group.addTask { (request.mailbox, await Self.observe(store, request, limit)) }
            }
            for _ in 0..<max(1, concurrency) { addNext() }
            while let (mailbox, result) = try await group.next() {
                if case .failure(let error) = result, error.endsRun { throw error }
                results[mailbox] = result
                addNext()
            }
            return results
        }
    }

    private static func observe(
        _ store: any MailStore, _ request: ObservationRequest, _ limit: Int?
    ) async -> Result<MailboxObservation, StoreError> {
        // LIMIT: a store that says "at once" is believed twice; then the mailbox waits for the next run.
        var attempts = 3
        while true {
            attempts -= 1
            do throws(StoreError) {
                if !request.isCounted, let limit, let store = store as? any PartwiseStore {
                    return .success(
                        try await store.observe(request.mailbox, since: request.cursor, limit: limit))
                }
                return .success(try await store.observe(request.mailbox, since: request.cursor))
            } catch {
                if error.retry != .now || attempts == 0 { return .failure(error) }
            }
        }
    }
}

extension StoreError {
    /// Concerns the whole source and not one mailbox or message.
    var endsRun: Bool {
        switch kind {
        case .connectionFailed, .connectionLost, .tlsFailed, .authenticationFailed, .throttled, .cancelled, .diskFull:
            true
        case .ioFailed: mailbox == nil
        case .protocolViolation, .limitExceeded, .noSuchMailbox, .uidValidityChanged, .refused, .capabilityMissing,
            .consumerFailed:
            false
        }
    }
}
