import MailCore
import MailScan

/// Asks the spam scanner of this machine: a few messages at once, and none for a while after it did not answer.
///
/// Whatever it does, mail is taken: what it does not say is as if there were no scanner.
actor SpamScanner {
    /// LIMIT: messages it has at once; spamd has five children by default, Rspamd takes what comes.
    private static let parallelCount = 8
    /// LIMIT: messages that wait for their turn: the last has its answer before the mail server gives up on ours.
    private static let waitingCount = 64
    /// LIMIT: nobody waits for a scanner that is not there more often than this.
    private static let pause = Duration.seconds(30)

    /// LIMIT: one message that takes it long is no outage; so many in a row are.
    private static let silenceLimit = 3

    private let client: ScanClient
    private let tell: @Sendable (String) -> Void
    private var freeCount = parallelCount
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Why it is not asked, and until when.
    private var outage: (reason: String, until: ContinuousClock.Instant)?
    /// Answers in a row that did not come in time.
    private var silenceCount = 0

    /// - Parameter tell: is told when it does not answer any more, once.
    /// - Throws: `.usage` where `text` names no scanner of this machine.
    init(_ text: String, _ tell: @escaping @Sendable (String) -> Void) throws(KitError) {
        do throws(ScanError) { client = ScanClient(try ScannerAddress(parsing: text)) } catch {
            throw KitError(.usage, error.message, hint: "[capture] scanner (Documentation/Capture.md)")
        }
        self.tell = tell
    }

    /// What it says of `message`; never fails, and comes after three minutes at the latest.
    func ask(about message: CapturedMessage) async -> CaptureScan {
        guard message.spool.octetCount <= ScanClient.octetLimit else {
            return CaptureScan(reason: "more than \(ScanClient.octetLimit) octets")
        }
        guard await take() else { return CaptureScan(reason: "the spam scanner has too much to do") }
        defer { give() }
        if let outage {
            guard ContinuousClock.now >= outage.until else { return CaptureScan(reason: outage.reason) }
            // One tries; the others do not wait for it.
            self.outage?.until = .now + Self.pause
        }
        var octets: [UInt8] = []
        do throws(StoreError) {
            try message.spool.read { piece throws(StoreError) in
                octets += piece
                return true
            }
        } catch { return CaptureScan(reason: error.message) }
        do throws(ScanError) {
            let verdict = try await client.verdict(
                ScanRequest(
                    message: octets, sender: message.sender, recipients: message.targets.flatMap(\.recipients)))
            (outage, silenceCount) = (nil, 0)
            return CaptureScan(isSpam: verdict.isSpam, score: verdict.score)
        } catch {
            silenceCount = error.kind == .silent ? silenceCount + 1 : 0
            if error.kind == .unreachable || silenceCount >= Self.silenceLimit {
                if outage == nil {
                    tell("the spam scanner does not answer, mail is taken without it: \(error.message)")
                }
                outage = (error.message, .now + Self.pause)
            }
            return CaptureScan(reason: error.message)
        }
    }

    /// False: too many wait already.
    private func take() async -> Bool {
        if freeCount > 0 {
            freeCount -= 1
            return true
        }
        guard waiting.count < Self.waitingCount else { return false }
        await withCheckedContinuation { waiting.append($0) }
        return true
    }

    /// Hands the turn to who waits longest.
    private func give() {
        if waiting.isEmpty { freeCount += 1 } else { waiting.removeFirst().resume() }
    }
}
