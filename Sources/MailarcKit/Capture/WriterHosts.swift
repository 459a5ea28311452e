import ArchiveStore
import MailCore

/// A write-only host, as its archive knows it.
public struct WriterHostRow: Codable, Sendable {
    public var name: String
    /// 16 hexadecimal digits.
    public var writer: String
    /// RFC 3339.
    public var created: String
    /// RFC 3339; nothing can be sealed from then on.
    public var ends: String
    /// Segments that were adopted.
    public var adopted: UInt64
    /// RFC 3339; what was sealed from then on can still be opened with the archive's keys.
    public var opensSince: String

    init(_ host: CaptureHost) {
        (name, writer, created, adopted) = (host.name, host.writer.hex, host.created, host.sequence)
        ends = Clock.text(host.prekeys.last?.ends ?? 0)
        opensSince = Clock.text(host.prekeys.first?.begins ?? 0)
    }
}

/// The hosts of an archive.
public struct WriterHostReport: Codable, Sendable {
    public var hosts: [WriterHostRow]
}

extension Workspace {
    /// The write-only hosts, by name.
    public func writerHosts() throws(KitError) -> WriterHostReport {
        do throws(ArchiveError) {
            return WriterHostReport(hosts: try archive.captureHosts().map(WriterHostRow.init))
        } catch { throw KitError(error, at: path) }
    }

    /// Makes a write-only host; the octets of its credential, which `save` makes durable before anything else happens.
    public func addWriterHost(_ name: String, weeks: Int) async throws(KitError) -> [UInt8] {
        try Self.check(weeks)
        guard CaptureHost.isName(name) else {
            throw KitError(.usage, "a host's name is one word of a-z, 0-9, '.', '_' and '-': \(name)")
        }
        return try await writing { writer throws(ArchiveError) in
            try await writer.addHost(name, weeks: weeks).octets
        }
    }

    /// The credential with as many weeks as are asked for, from now on.
    ///
    /// - Parameter credential: the octets of the one the host has.
    public func renewWriterHost(credential: [UInt8], weeks: Int) async throws(KitError) -> [UInt8] {
        try Self.check(weeks)
        let credential = try CaptureCredential(of: credential)
        return try await writing { writer throws(ArchiveError) in
            try await writer.renew(credential, weeks: weeks).octets
        }
    }

    /// The host is no more; what it sealed and was not adopted can never be opened again.
    public func removeWriterHost(_ name: String) async throws(KitError) -> WriterHostReport {
        try await writing { writer throws(ArchiveError) in try await writer.retireHost(name) }
        return try writerHosts()
    }

    private static func check(_ weeks: Int) throws(KitError) {
        guard PrekeyCount.range.contains(weeks) else {
            throw KitError(.usage, "a credential is for 1 to \(PrekeyCount.range.upperBound) weeks, not \(weeks)")
        }
    }

    private func writing<Value: Sendable>(
        _ body: (ArchiveWriter) async throws(ArchiveError) -> Value
    ) async throws(KitError) -> Value {
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) { return try await body(writer) } catch {
                switch error.kind {
                case .missing: throw KitError(.notFound, error.message, hint: "mailarc writer list")
                case .alreadyExists: throw KitError(.alreadyExists, error.message, hint: "mailarc writer list")
                default: throw KitError(error, at: path)
                }
            }
        }
    }
}
