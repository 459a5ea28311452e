import Foundation
import Glibc

/// A server that misbehaves in a chosen way, in a process of its own: `Fixtures/bin/malicious-imap.py`, or for POP3
/// `scripted-pop3.py`.
public final class MaliciousServer: Sendable {
    public let port: Int
    public let folder: TestFolder
    /// Present when the server offers STARTTLS.
    public let certificates: TestCertificates?
    private let process: RunningProcess

    /// Starts it and returns once it listens.
    public static func start(_ mode: String, offersTLS: Bool = false) async throws -> MaliciousServer {
        let folder = try TestFolder("malicious")
        let certificates = offersTLS ? try await TestCertificates.make(in: folder) : nil
        let arguments = [Repository.script("malicious-imap.py"), mode]
        return try await start(arguments + (certificates.map { [$0.certificate, $0.key] } ?? []), folder, certificates)
    }

    /// A POP3 server whose maildrop are the files of ``maildrop``.
    public static func startPOP3(_ modes: String) async throws -> MaliciousServer {
        let folder = try TestFolder("pop3")
        try folder.write("maildrop.log", "")
        try FileManager.default.createDirectory(atPath: folder.file("maildrop"), withIntermediateDirectories: true)
        return try await start([Repository.script("scripted-pop3.py"), modes, folder.file("maildrop")], folder, nil)
    }

    /// A spam scanner of `scripted-scanner.py`.
    public static func startScanner(_ mode: String) async throws -> MaliciousServer {
        try await start([Repository.script("scripted-scanner.py"), mode], try TestFolder("scanner"), nil)
    }

    /// A relay of `relay-smtp.py`; what it took is ``relayed``.
    public static func startRelay() async throws -> MaliciousServer {
        let folder = try TestFolder("relay")
        let certificates = try await TestCertificates.make(in: folder)
        try folder.write("relayed", "")
        return try await start(
            [Repository.script("relay-smtp.py"), certificates.certificate, certificates.key, folder.file("relayed")],
            folder, certificates)
    }

    /// `user sender recipient…`, a line a message.
    public var relayed: [String] {
        get throws {
            try String(contentsOfFile: folder.file("relayed"), encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    private static func start(
        _ arguments: [String], _ folder: TestFolder, _ certificates: TestCertificates?
    ) async throws -> MaliciousServer {
        let (port, process) = try await PortedProgram.start(arguments, in: folder)
        return MaliciousServer(port: port, folder: folder, certificates: certificates, process: process)
    }

    private init(port: Int, folder: TestFolder, certificates: TestCertificates?, process: RunningProcess) {
        (self.port, self.folder, self.certificates, self.process) = (port, folder, certificates, process)
    }

    /// The messages of a POP3 server, by their unique-ids.
    public var maildrop: [String: [UInt8]] {
        get throws {
            var found: [String: [UInt8]] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.file("maildrop")) {
                found[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("maildrop/\(name)"))))
            }
            return found
        }
    }

    /// Puts a message into the maildrop of a POP3 server.
    public func put(_ name: String, _ text: String) throws { try folder.write("maildrop/\(name)", text) }

    /// What clients said to a POP3 server since the last time, line by line.
    public func takeLog() throws -> [String] {
        let text = try String(contentsOfFile: folder.file("maildrop.log"), encoding: .utf8)
        try folder.write("maildrop.log", "")
        return text.split(separator: "\n").map(String.init)
    }

    public func stop() async {
        process.signal(SIGKILL)
        _ = try? await process.waitAsync()
        folder.remove()
    }
}
