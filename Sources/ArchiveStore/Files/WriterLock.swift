import Glibc
import MailCore

/// The exclusive lock of an archive's writer (ArchiveFormat.md §12); held until the value goes away.
package final class WriterLock: Sendable {
    fileprivate let file: SystemFile

    /// Who holds the lock, for people.
    package struct Owner: Sendable {
        package var processID: Int32
        package var started: Int64
        package var host: String
        package var command: String

        package init(processID: Int32, started: Int64, host: String, command: String) {
            (self.processID, self.started, self.host, self.command) = (processID, started, host, command)
        }
    }

    /// - Throws: `.locked` (retry later) when another process, or another value in this one, holds it.
    package init(_ path: String, owner: Owner) throws(ArchiveError) {
        file = try SystemFile(path, .openOrCreate)
        // A retry by EINTR cannot happen: LOCK_NB never waits.
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK {
                let text = (try? file.readUpTo(1_024, at: 0)) ?? []
                throw ArchiveError(
                    .locked, "another writer is at work: \(Self.summary(text))", path: path, retry: .later)
            }
            throw SystemFile.failure("cannot lock", path)
        }
        var text = "mailarc-lock/1\npid \(owner.processID)\n"
        text += "boot \(Self.bootID())\nstarted \(CivilTime(secondsSinceEpoch: owner.started).rfc3339)\n"
        text += "host \(Self.oneLine(owner.host))\ncommand \(Self.oneLine(owner.command))\n"
        try file.truncate(to: 0)
        try file.write(Array(text.utf8), at: 0)
    }

    private static func bootID() -> String {
        guard let file = try? SystemFile("/proc/sys/kernel/random/boot_id", .read),
            let octets = try? file.readUpTo(64, at: 0)
        else { return "-" }
        return oneLine(String(decoding: octets, as: UTF8.self))
    }

    private static func oneLine(_ text: String) -> String {
        String(text.prefix(200).filter { !$0.isNewline })
    }

    private static func summary(_ text: [UInt8]) -> String {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst()
        return lines.filter { $0.hasPrefix("pid ") || $0.hasPrefix("host ") || $0.hasPrefix("started ") }
            .joined(separator: ", ")
    }
}

extension WriterLock {
    /// Lets others write; also happens when the value goes away.
    package func release() { _ = flock(file.descriptor, LOCK_UN) }
}
