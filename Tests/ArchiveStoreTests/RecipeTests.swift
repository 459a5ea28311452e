import ArchiveStore
import Foundation
import MailCore
import Testing

@Suite struct RecipeTests {
    private struct Case: CustomTestStringConvertible {
        var name: String
        var body: String
        var parts: Int
        var encoding = "base64"
        var testDescription: String { name }
    }

    private static func octets(_ count: Int) -> [UInt8] {
        var seeded = Seeded(UInt64(count))
        return seeded.octets(count)
    }

    private static let cases: [Case] = [
        Case(name: "lines of 76", body: Mail.base64(octets(5_000)), parts: 1),
        Case(name: "lines of 72, LF", body: Mail.base64(octets(5_001), line: 72, end: "\n"), parts: 1),
        Case(name: "lines of 64", body: Mail.base64(octets(5_002), line: 64), parts: 1),
        Case(name: "one line", body: Mail.base64(octets(50_000), line: 1 << 20), parts: 1),
        Case(name: "one line of 4,096", body: Mail.base64(octets(3_072), line: 4_096), parts: 1),
        Case(name: "no last line end", body: String(Mail.base64(octets(5_000)).dropLast(1)), parts: 1),
        Case(name: "full last line", body: Mail.base64(octets(57 * 60)), parts: 1),
        Case(name: "full last line without end", body: String(Mail.base64(octets(57 * 60)).dropLast(1)), parts: 1),
        Case(name: "rubbish behind", body: Mail.base64(octets(5_000)) + "\r\n-- \r\nA mailing list\r\n", parts: 1),
        Case(name: "rubbish in the middle", body: Mail.base64(octets(5_700)) + "*" + Mail.base64(octets(9)), parts: 1),
        Case(
            name: "other line end later", body: Mail.base64(octets(5_700)) + Mail.base64(octets(90), end: "\n"),
            parts: 1),
        Case(name: "empty line first", body: "\r\n\r\n" + Mail.base64(octets(5_000)), parts: 1),
        Case(name: "not canonical bits", body: Mail.base64(octets(57 * 50)) + "QUJDRB==\r\n", parts: 1),
        Case(name: "too small", body: Mail.base64(octets(2_000)), parts: 0),
        Case(name: "just enough", body: Mail.base64(octets(2_048)), parts: 1),
        Case(name: "no base64", body: String(repeating: "Hello, world!\r\n", count: 300), parts: 0),
        Case(name: "line length no multiple of four", body: Mail.base64(octets(5_000), line: 75), parts: 0),
        Case(
            name: "quoted-printable", body: String(repeating: "Gr=C3=BC=C3=9Fe aus K=C3=B6ln,=20\r\n", count: 200),
            parts: 1, encoding: "quoted-printable"),
        Case(
            name: "quoted-printable, soft breaks", body: softBroken(lower: false), parts: 1,
            encoding: "quoted-printable"),
        Case(
            name: "quoted-printable, one lower-case escape", body: softBroken(lower: true), parts: 1,
            encoding: "quoted-printable"),
        Case(
            name: "quoted-printable, broken escape", body: softBroken(lower: false) + "=ZZ", parts: 0,
            encoding: "quoted-printable"),
        Case(
            name: "long literal", body: String(repeating: "0123456789\r\n", count: 10_000), parts: 1, encoding: "7bit"),
    ]

    private static func softBroken(lower: Bool) -> String {
        let line = String(repeating: "a", count: 75) + "=\r\n" + String(repeating: "b", count: 72) + "=C3=\r\n=A4\r\n"
        return String(repeating: line, count: 40) + (lower ? "x=c3=a4\r\n" : "") + String(repeating: line, count: 20)
    }

    @Test("a body is split and put together again", arguments: cases)
    private func roundTrip(_ test: Case) async throws {
        let archive = try TestArchive()
        let writer = try archive.writer()
        let lane = writer.makeLane()
        let message = Array(
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: \(test.encoding)\r\n\r\n\(test.body)".utf8)
        for chunk in [message.count, 1_000, 1] where chunk > 1 || message.count < 10_000 {
            let fresh = chunk == message.count
            let taken = try await lane.ingest(message, chunk: chunk)
            #expect(taken.isNew == fresh)
            if fresh {
                let group = try await writer.commit()
                #expect(group.blobs.count { $0.kind == .part } == test.parts)
                archive.directory.apply(group)
            }
            #expect(try archive.read(taken.keyID) == message)
        }
        lane.finish()
        try await writer.close()
    }

    @Test func `equal attachments are kept once, whatever the message and the lines`() async throws {
        let archive = try TestArchive()
        let writer = try archive.writer()
        let lane = writer.makeLane()
        var seeded = Seeded(5)
        let small = seeded.octets(100_000)
        let large = seeded.octets(3_000_000)
        for (number, octets) in [small, large, small, large, small, large].enumerated() {
            let message = Mail.withAttachment(
                octets, number: number, line: number < 4 ? 76 : 60, end: number == 5 ? "\n" : "\r\n")
            _ = try await lane.ingest(message)
            if number == 3 { archive.directory.apply(try await writer.commit()) }
        }
        archive.directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        let statistics = try ArchiveStatistics(of: archive.archive)
        #expect(statistics.parts.count == 2)
        #expect(statistics.recipes.count == 6)
        #expect(statistics.deadOctetCount == 0)
        #expect(ArchiveCheck.run(archive.archive).isSound)
    }

    @Test func `every message of the corpora comes back octet for octet, with LF and with CRLF`() async throws {
        guard let root = ProcessInfo.processInfo.environment["MAILARC_CORPORA"] else {
            print("not run: MAILARC_CORPORA is not set")
            return
        }
        let archive = try TestArchive()
        var options = WriterOptions()
        options.packTarget = 4 << 20
        let writer = try archive.writer(options)
        let lane = writer.makeLane()
        var taken: [(RandomID, [UInt8])] = []
        var count = 0
        let names = try FileManager.default.subpathsOfDirectory(atPath: root)
        for name in names {
            guard let data = FileManager.default.contents(atPath: "\(root)/\(name)"), data.count < 4 << 20 else {
                continue
            }
            let message = [UInt8](data)
            for variant in [message, Self.otherLineEnds(message)] {
                let result = try await lane.ingest(variant, chunk: 1 + count % 5_000)
                taken.append((result.keyID, variant))
                count += 1
            }
            if taken.count > 400 {
                try await commitAndCompare(writer, archive, &taken)
            }
        }
        try await commitAndCompare(writer, archive, &taken)
        lane.finish()
        try await writer.close()
        let report = ArchiveCheck.run(archive.archive)
        #expect(report.isSound, "\(report.findings.prefix(5))")
        print("\(count) files of the corpora, \(report.messageCount) different messages")
    }

    private func commitAndCompare(
        _ writer: ArchiveWriter, _ archive: TestArchive, _ taken: inout [(RandomID, [UInt8])]
    ) async throws {
        archive.directory.apply(try await writer.commit())
        for (keyID, message) in taken {
            let isSame = try archive.read(keyID) == message
            #expect(isSame)
        }
        taken = []
    }

    private static func otherLineEnds(_ message: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        if message.contains(0x0D) { return message.filter { $0 != 0x0D } }
        for octet in message {
            if octet == 0x0A { result.append(0x0D) }
            result.append(octet)
        }
        return result
    }
}
