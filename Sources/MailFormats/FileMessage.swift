import MailCore

/// The octets of a file, or of a stretch of one, as they are or with the quoting of an mbox removed.
final class FileMessage: IncomingMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private let file: Descriptor
    private var offset: Int
    private let end: Int
    private var unquoter: FromUnquoter?
    private static let chunk = 1 << 16

    init(uid: UID, file: consuming Descriptor, range: Range<Int>, unquotes: Bool) {
        self.uid = uid
        self.file = file
        announcedOctetCount = unquotes ? nil : range.count
        (offset, end) = (range.lowerBound, range.upperBound)
        unquoter = unquotes ? FromUnquoter() : nil
    }

    func next() async throws(StoreError) -> [UInt8]? {
        while true {
            guard offset < end else {
                let rest = unquoter?.finish() ?? []
                unquoter = nil
                return rest.isEmpty ? nil : rest
            }
            do {
                let octets = try file.read(min(Self.chunk, end - offset), at: offset)
                guard !octets.isEmpty else {
                    throw FormatsError(
                        .ioFailed, "the file became shorter", path: String(decoding: file.path, as: UTF8.self))
                }
                offset += octets.count
                guard unquoter != nil else { return octets }
                let plain = unquoter?.consume(octets) ?? []
                if !plain.isEmpty { return plain }
            } catch let error as FormatsError {
                throw error.storeError()
            } catch {
                throw StoreError(.ioFailed, "the file could not be read", cause: error)
            }
        }
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
