import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore

/// An archive in a folder of its own, which goes away with it.
final class TestArchive {
    let path: String
    let archive: Archive
    let directory: InMemoryDirectory

    static let cost = Scrypt.Cost(logN: 10, r: 8, p: 1)
    static let environment = WriterEnvironment(now: { 1_795_000_000 }, processID: 1, host: "test", command: "test")

    init(_ secret: ArchiveSecret = .plain) throws {
        path = Self.folder()
        var options = CreationOptions(secret: secret, now: 1_795_000_000)
        options.cost = Self.cost
        archive = try Archive.create(at: path, options)
        directory = InMemoryDirectory()
    }

    /// Opens what lies at `path`, without taking it over.
    init(opening path: String, _ secret: ArchiveSecret = .plain) throws {
        self.path = path
        archive = try Archive.open(at: path, unlocking: [secret])
        directory = try InMemoryDirectory(of: archive)
    }

    /// The folder stays when this value goes: another one has it.
    var isBorrowed = false

    deinit { if !isBorrowed { try? FileManager.default.removeItem(atPath: path) } }

    static func folder() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
    }

    func copy() throws -> String {
        let target = Self.folder()
        try FileManager.default.copyItem(atPath: path, toPath: target)
        return target
    }

    func writer(_ options: WriterOptions = WriterOptions()) throws -> ArchiveWriter {
        try ArchiveWriter(archive, directory: directory, environment: Self.environment, options: options)
    }

    func read(_ keyID: RandomID) throws -> [UInt8] {
        try ArchiveReader(archive, directory: directory).message(keyID).all(limit: 1 << 30)
    }

    /// Every file and its octets, by path below the archive.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isDirectory: ObjCBool = false
            let file = "\(path)/\(name)"
            guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory), !isDirectory.boolValue
            else { continue }
            files[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        }
        return files
    }
}

extension IngestLane {
    /// Takes `message` in pieces of `chunk` octets.
    func ingest(_ message: [UInt8], chunk: Int = 65_536) async throws -> IngestedMessage {
        var rest = message[...]
        return try await ingest {
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(chunk) }
            return Array(rest.prefix(chunk))
        }
    }
}

/// Reproducible pseudo-random octets.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func octets(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count + 8)
        while result.count < count {
            let word = next()
            for shift in stride(from: 0, to: 64, by: 8) { result.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return Array(result.prefix(count))
    }
}

/// Messages to take.
enum Mail {
    static func base64(_ octets: [UInt8], line: Int = 76, end: String = "\r\n") -> String {
        let text = Array(Data(octets).base64EncodedString())
        return stride(from: 0, to: text.count, by: line)
            .map { String(text[$0..<min($0 + line, text.count)]) + end }.joined()
    }

    static func small(_ number: Int) -> [UInt8] {
        Array(
            """
            From: sender\(number)@example.org\r
            To: someone@example.net\r
            Subject: Message number \(number)\r
            Message-ID: <\(number)@example.org>\r
            \r
            The quick brown fox \(number) jumps over the lazy dog.\r
            """.utf8)
    }

    static func withAttachment(_ octets: [UInt8], number: Int = 0, line: Int = 76, end: String = "\r\n") -> [UInt8] {
        let head = [
            "From: sender\(number)@example.org", "Subject: With an attachment \(number)", "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=\"b1\"", "", "--b1", "Content-Type: text/plain", "",
            "See attached.", "--b1", "Content-Type: application/octet-stream; name=\"a.bin\"",
            "Content-Transfer-Encoding: base64", "", "",
        ].joined(separator: end)
        return Array((head + base64(octets, line: line, end: end) + "\(end)--b1--\(end)").utf8)
    }
}
