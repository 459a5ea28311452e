import MailCore
import Synchronization

/// The counts of a run, shared by its lanes.
final class RunLedger: Sendable {
    private struct Counts {
        var reports: [MailboxName: MailboxReport] = [:]
        var progress: SyncProgress
    }

    private let counts: Mutex<Counts>
    private let report: (@Sendable (SyncProgress) -> Void)?

    init(report: (@Sendable (SyncProgress) -> Void)?) {
        self.report = report
        let nothing = SyncProgress(
            mailbox: MailboxName("INBOX"), messagesDone: 0, messagesTotal: 0, octetsDone: 0, octetsTotal: 0)
        counts = Mutex(Counts(progress: nothing))
    }

    func update(_ mailbox: MailboxName, _ change: (inout MailboxReport) -> Void) {
        counts.withLock { change(&$0.reports[mailbox, default: MailboxReport(mailbox: mailbox)]) }
    }

    subscript(mailbox: MailboxName) -> MailboxReport {
        counts.withLock { $0.reports[mailbox] ?? MailboxReport(mailbox: mailbox) }
    }

    /// More work became known.
    func expect(messages: Int, octets: Int64) {
        counts.withLock {
            $0.progress.messagesTotal += messages
            $0.progress.octetsTotal += octets
        }
    }

    func advance(_ mailbox: MailboxName, messages: Int, octets: Int64) {
        let progress = counts.withLock { counts in
            counts.progress.mailbox = mailbox
            counts.progress.messagesDone += messages
            counts.progress.octetsDone += octets
            counts.reports[mailbox, default: MailboxReport(mailbox: mailbox)].octetCount += octets
            return counts.progress
        }
        report?(progress)
    }
}
