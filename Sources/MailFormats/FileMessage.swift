import MailCore

/// The octets of one message from a file or a stream, as they are or with the quoting of an mbox removed.
final class FileMessage: IncomingMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private let pull: () throws(FormatsError) -> [UInt8]?
    private var unquoter: FromUnquoter?

    /// - Parameters:
    ///   - count: octets before quoting is removed.
    ///   - pull: gives the next octets, `nil` at the end.
    init(uid: UID, count: Int, unquotes: Bool, _ pull: @escaping () throws(FormatsError) -> [UInt8]?) {
        self.uid = uid
        announcedOctetCount = unquotes ? nil : count
        unquoter = unquotes ? FromUnquoter() : nil
        self.pull = pull
    }

    convenience init(uid: UID, file: consuming Descriptor, range: Range<Int>, unquotes: Bool) {
        let octets = FileOctets(file, range)
        self.init(uid: uid, count: range.count, unquotes: unquotes) { () throws(FormatsError) in try octets.next() }
    }

    func next() async throws(StoreError) -> [UInt8]? {
        do throws(FormatsError) {
            while let octets = try pull() {
                guard unquoter != nil else { return octets }
                let plain = unquoter?.consume(octets) ?? []
                if !plain.isEmpty { return plain }
            }
        } catch {
            throw error.storeError()
        }
        let rest = unquoter?.finish() ?? []
        unquoter = nil
        return rest.isEmpty ? nil : rest
    }
}

/// Hands the messages of one fetch to the consumer, whatever kind of file they are in.
func deliver(
    _ messages: [MessageSummary], _ consume: (any IncomingMessage) async throws -> Void,
    open: (UID) -> Result<FileMessage, FormatsError>
) async throws(StoreError) -> FetchReport {
    var report = FetchReport()
    for message in messages {
        if Task.isCancelled { throw StoreError(.cancelled, "the fetch was cancelled", retry: .later) }
        switch open(message.uid) {
        case .failure(let error): report.refused[message.uid] = error.refusal
        case .success(let incoming):
            do {
                try await consume(incoming)
                report.delivered.insert(message.uid)
            } catch let error as StoreError where (error.cause as? FormatsError) != nil {
                report.refused[message.uid] = Refusal(.unreadable, detail: error.message)
            } catch {
                throw StoreError(.consumerFailed, "a message could not be taken", cause: error)
            }
        }
    }
    return report
}
