import MailCore

/// The octets of one message as they come; whole only when what follows them is an answer.
final class RetrievedContent {
    /// Why it broke off.
    private(set) var failure: StoreError?
    private let session: POP3Session
    /// As announced; a hint.
    private let announced: Int
    private var body = BodyDecoder()
    private var first: [UInt8]?
    private var isChecked = false

    init(announced: Int, session: POP3Session) { (self.announced, self.session) = (announced, session) }

    /// Gets the first octets; false where there are none although some were announced.
    func begin() async throws(StoreError) -> Bool {
        first = try await next()
        return first != nil || announced == 0
    }

    /// The next octets; `nil` at the end.
    func next() async throws(StoreError) -> [UInt8]? {
        if let octets = first {
            first = nil
            return octets
        }
        if let failure { throw failure }
        do throws(StoreError) {
            if let octets = try await session.content(&body) { return octets }
            try await check()
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    /// Reads what nobody wanted.
    func finish() async throws(StoreError) {
        while try await next() != nil {}
    }

    /// QUIRK: a dot alone on a line, sent without a second one, looks like the end. Where fewer octets came than
    /// announced, or dots are not doubled, an answer must follow.
    private func check() async throws(StoreError) {
        guard !isChecked else { return }
        isChecked = true
        if body.octetCount < announced || body.stuffing == .missing { try await session.checkEnd() }
    }
}

extension POP3Session {
    /// What became of a message asked for.
    enum Arrival {
        case content(RetrievedContent)
        case refused(Refusal)
    }

    /// Retrieves `wanted`, several asked for at once where the server pipelines; each is handed over in order.
    ///
    /// What `each` leaves of a message is skipped.
    func retrieve(
        _ wanted: [(number: Int, octetCount: Int)], each: (Int, Arrival) async throws(StoreError) -> Void
    ) async throws(StoreError) {
        let depth = pipelines ? max(1, configuration.pipelineDepth) : 1
        var next = 0
        for index in wanted.indices {
            while next < wanted.count, inFlight.count < depth {
                askFor(wanted[next].number)
                next += 1
            }
            let status = try await reply()
            guard status.isOK else {
                settleFirst()
                try await each(index, .refused(Refusal(.refusedByServer, detail: status.text)))
                continue
            }
            beginFirst()
            let content = RetrievedContent(announced: wanted[index].octetCount, session: self)
            if try await content.begin() {
                try await each(index, .content(content))
                try await content.finish()
            } else {
                try await each(index, .refused(Refusal(.emptyBody)))
            }
            retrieved.insert(wanted[index].number)
            settleFirst()
        }
    }
}
