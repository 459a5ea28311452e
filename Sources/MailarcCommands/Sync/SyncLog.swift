import ArgumentParser
import FoundationEssentials
import Glibc
import MailarcKit
import Synchronization

/// Where a sync tells what it does with each message.
struct SyncLogOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("logfile")],
        help: ArgumentHelp(
            "Append a line of JSON for each message copied, moved, flagged, deleted or refused.", valueName: "file"))
    var logFile: String?

    /// `nil`: nothing is logged.
    func open() throws(KitError) -> SyncLog? { try logFile.map { path throws(KitError) in try SyncLog(path) } }
}

/// Whom a run tells what it does, message by message.
struct SyncTelling {
    var log: SyncLog?
    var isVerbose = false

    /// `request`, which tells what is done.
    func told(of request: SyncRequest, _ output: Output, _ progress: ProgressView) -> SyncRequest {
        guard log != nil || isVerbose else { return request }
        var request = request
        request.log = { [log, isVerbose] entry in
            log?.write(entry)
            guard isVerbose, let text = entry.text else { return }
            progress.finish()
            output.tell(text)
        }
        return request
    }
}

/// A file to which the lines of runs are appended, one write for each.
final class SyncLog: Sendable {
    private let path: String
    private let descriptor: Int32
    /// Of the first write that failed.
    private let failure = Mutex<Int32?>(nil)

    init(_ path: String) throws(KitError) {
        self.path = path
        descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw KitError(
                .ioFailed, "cannot write the log \(path): \(Secrets.describe(errno))",
                hint: "name a file in a folder that is there and can be written")
        }
    }

    deinit { _ = close(descriptor) }

    func write(_ entry: SyncLogEntry) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(entry) else { return }
        let octets = Array(line) + [UInt8(ascii: "\n")]
        let count = unsafe octets.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count != octets.count else { return }
        let code = count < 0 ? errno : ENOSPC
        failure.withLock { $0 = $0 ?? code }
    }

    /// Makes durable what was written.
    ///
    /// - Throws: `.diskFull`, `.ioFailed` when a line is missing; what was done in the stores is done.
    func finish() throws(KitError) {
        if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
            let code = errno
            failure.withLock { $0 = $0 ?? code }
        }
        guard let code = failure.withLock({ $0 }) else { return }
        throw KitError(
            code == ENOSPC ? .diskFull : .ioFailed, "the log \(path) is not complete: \(Secrets.describe(code))",
            hint: "what was to be done is done; the next run does not tell it again")
    }
}
