import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Testing

@Suite("outbox of a write-only host")
struct OutboxTests {
    private static let begin: Int64 = 1_795_000_000
    private static let week: Int64 = 7 * 86_400
    private static let owner = WriterLock.Owner(processID: 1, started: begin, host: "test", command: "test")

    /// Seals `messages` as one segment at `time`; its path.
    private static func seal(
        _ messages: [[UInt8]], _ credential: CaptureCredential, in folder: String, at time: Int64
    ) throws -> String {
        let outbox = try Outbox(folder, credential, owner: owner)
        let number = try outbox.seal(messageCount: messages.count, time: time) { sealer throws(ArchiveError) in
            for message in messages { try sealer.append(message) }
        }
        return "\(folder)/\(number).sealed"
    }

    private static func all(_ reader: SegmentReader) throws -> [UInt8] {
        var octets: [UInt8] = []
        while true {
            let part = try reader.read(100_000)
            guard !part.isEmpty else { return octets }
            octets += part
        }
    }

    @Test(
        "what is sealed comes back, whatever its size is",
        arguments: [0, 1, 1 << 20 - 1, 1 << 20, 1 << 20 + 1, 5 << 20])
    func sizes(_ count: Int) async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try await writer.addHost("mx1", weeks: 2)
        var random = Seeded(UInt64(count))
        let message = random.octets(count)
        let path = try Self.seal([message], credential, in: folder, at: Self.begin)
        let host = try #require(try store.archive.captureHosts().first)
        let reader = try store.archive.openSegment(path, try SegmentReader.header(path, of: host), of: host)
        #expect(try Self.all(reader) == message)
        #expect(try SegmentReader.digest(path) == reader.digest)
        try await writer.close()
    }

    @Test("nothing that the host has opens what it sealed")
    func opensNothing() async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try CaptureCredential(parsing: try await writer.addHost("mx1", weeks: 3).octets)
        let path = try Self.seal([Array("secret".utf8)], credential, in: folder, at: Self.begin)
        let host = try #require(try store.archive.captureHosts().first)
        let header = try SegmentReader.header(path, of: host)
        // Every 32 octets that stand in the credential or in the outbox, as a private key for every prekey.
        var candidates = [credential.seed] + credential.prekeys.map(\.publicKey)
        for name in ["last", URL(fileURLWithPath: path).lastPathComponent] {
            let octets = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
            candidates += (0...max(0, octets.count - 32)).map { Array(octets[$0..<min($0 + 32, octets.count)]) }
        }
        for candidate in candidates where candidate.count == 32 {
            for prekey in credential.prekeys {
                #expect(throws: ArchiveError.self) {
                    _ = try Self.all(
                        SegmentReader(path, header, host: host, prekey: prekey, secret: candidate))
                }
            }
        }
        try await writer.close()
    }

    @Test("every octet of a segment counts, and so does its length")
    func tampering() async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try await writer.addHost("mx1", weeks: 1)
        let path = try Self.seal([Array("From: x\r\n\r\ntext".utf8)], credential, in: folder, at: Self.begin)
        let host = try #require(try store.archive.captureHosts().first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var changed = (0..<whole.count).map { index in
            var octets = whole
            octets[index] ^= 1
            return octets
        }
        changed += [0, 1, 143, 144, whole.count - 1].map { whole.prefix($0) } + [whole + [0]]
        for octets in changed {
            try octets.write(to: URL(fileURLWithPath: path))
            #expect(throws: ArchiveError.self) {
                _ = try Self.all(
                    store.archive.openSegment(path, try SegmentReader.header(path, of: host), of: host))
            }
        }
        try await writer.close()
    }

    @Test("a prekey goes when a later one was used; what it sealed stays shut then")
    func forgetting() async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try await writer.addHost("mx1", weeks: 3)
        var host = try #require(try store.archive.captureHosts().first)
        #expect(host.prekeys.count == 3)
        let times = [Self.begin, Self.begin + Self.week, Self.begin]
        let paths = try times.map { try Self.seal([Array("x".utf8)], credential, in: folder, at: $0) }
        let prekeys = try paths.map { try SegmentReader.header($0, of: host).prekey }
        // The clock went back: a prekey that may be gone is not used again.
        #expect(prekeys == [credential.prekeys[0].id, credential.prekeys[1].id, credential.prekeys[1].id])
        for path in paths.dropLast() {
            let header = try SegmentReader.header(path, of: host)
            let digest = try store.archive.openSegment(path, header, of: host).digest
            host = try await writer.adopted(header, digest: digest, of: host)
        }
        #expect(host.prekeys.map(\.id) == credential.prekeys.dropFirst().map(\.id))
        #expect(throws: ArchiveError.self) {
            _ = try store.archive.openSegment(paths[0], try SegmentReader.header(paths[0], of: host), of: host)
        }
        _ = try store.archive.openSegment(paths[2], try SegmentReader.header(paths[2], of: host), of: host)
        #expect(try store.archive.adoptedSegments(of: host).count == 2)
        // A vault file that names the old private half is not there any more.
        let roots = try FileManager.default.contentsOfDirectory(atPath: store.path + "/vault")
        #expect(roots.count { $0.hasPrefix("root.") } == 1)
        try await writer.close()
    }

    @Test("it ends with its last week, goes on with a renewed credential, and never with one of another host")
    func ending() async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try await writer.addHost("mx1", weeks: 1)
        let late = Self.begin + Self.week
        _ = try Self.seal([[1]], credential, in: folder, at: Self.begin)
        #expect(throws: ArchiveError.self) { _ = try Self.seal([[1]], credential, in: folder, at: late) }
        let renewed = try await writer.renew(credential, weeks: 3)
        #expect(renewed.prekeys.count == 3 && renewed.prekeys.first == credential.prekeys.first)
        let path = try Self.seal([[2]], renewed, in: folder, at: late)
        let host = try #require(try store.archive.captureHosts().first)
        let reader = try store.archive.openSegment(path, try SegmentReader.header(path, of: host), of: host)
        #expect(try Self.all(reader) == [2])
        let other = try await writer.addHost("mx2", weeks: 1)
        #expect(throws: ArchiveError.self) { _ = try Self.seal([[3]], other, in: folder, at: Self.begin) }
        await #expect(throws: ArchiveError.self) { _ = try await writer.addHost("mx1", weeks: 1) }
        try await writer.close()
    }

    @Test("a process that dies between two steps leaves a folder that goes on")
    func dying() async throws {
        let (store, folder) = (try TestArchive(), TestArchive.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try store.writer()
        let credential = try await writer.addHost("mx1", weeks: 1)
        let first = try Self.seal([[1]], credential, in: folder, at: Self.begin)
        // Dead before the segment had its name.
        let temporary = first.replacing(".sealed", with: ".tmp")
        try FileManager.default.moveItem(atPath: first, toPath: temporary)
        let second = try Self.seal([[2]], credential, in: folder, at: Self.begin)
        #expect(FileManager.default.fileExists(atPath: first) && !FileManager.default.fileExists(atPath: temporary))
        // Dead in the middle of writing one: it was never acknowledged.
        let half = second.replacing("001.", with: "002.").replacing(".sealed", with: ".tmp")
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: half))
        let third = try Self.seal([[3]], credential, in: folder, at: Self.begin)
        #expect(try Outbox.segments(in: folder).map { "\(folder)/\($0)" } == [first, second, third])
        let host = try #require(try store.archive.captureHosts().first)
        var previous = [UInt8](repeating: 0, count: 32)
        for path in [first, second, third] {
            let header = try SegmentReader.header(path, of: host)
            #expect(header.previous == previous)
            previous = try SegmentReader.digest(path)
        }
        try await writer.close()
    }
}
