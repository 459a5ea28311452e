import ArchiveStore
import Foundation
import MailCore
import Testing

/// Figures of one lane; run in release mode with `MAILARC_MEASURE` set.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MAILARC_MEASURE"] != nil), .serialized) struct MeasureTests {
    private func measure(_ name: String, octets: Int, count: Int, _ action: () async throws -> Void) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await action()
        let seconds = Double((clock.now - start) / .milliseconds(1)) / 1_000
        print("\(name): \(Int(Double(octets) / seconds / 1e6)) MB/s, \(Int(Double(count) / seconds)) messages/s")
    }

    @Test func `mail full of base64`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        let lane = writer.makeLane()
        var seeded = Seeded(1)
        let messages = (0..<12).map { Mail.withAttachment(seeded.octets(12_000_000), number: $0) }
        try await measure("base64", octets: messages.reduce(0) { $0 + $1.count }, count: messages.count) {
            for message in messages { _ = try await lane.ingest(message) }
            _ = try await writer.commit()
        }
    }

    @Test func `small mail`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        let lane = writer.makeLane()
        let messages = (0..<6_000).map {
            Mail.small($0)
                + Array(String(repeating: "Some more text in line \($0), \($0 &* 7919 % 1_000).\r\n", count: 60).utf8)
        }
        try await measure("small", octets: messages.reduce(0) { $0 + $1.count }, count: messages.count) {
            for (number, message) in messages.enumerated() {
                _ = try await lane.ingest(message)
                if number % 256 == 255 { test.directory.apply(try await writer.commit()) }
            }
            test.directory.apply(try await writer.commit())
        }
        lane.finish()
        try await writer.close()
        let reader = ArchiveReader(test.archive, directory: test.directory)
        let keys = test.directory.locations.filter { $0.kind == .recipe }.map(\.keyID)
        try await measure("read small", octets: 0, count: keys.count) {
            for key in keys { _ = try reader.message(key).all(limit: 1 << 20) }
        }
        let clock = ContinuousClock()
        let start = clock.now
        #expect(ArchiveCheck.run(test.archive).isSound)
        print("check level 3 of \(keys.count) small messages: \(clock.now - start)")
    }

    @Test func `memory stays bounded for a message of 300 MB`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        let lane = writer.makeLane()
        let before = Self.peak()
        var left = 300
        var seeded = Seeded(9)
        let head = Mail.withAttachment([], number: 1).dropLast(10)
        let piece = Array(Mail.base64(seeded.octets(57 * 13_000)).utf8)
        var isFirst = true
        let taken = try await lane.ingest {
            if isFirst {
                isFirst = false
                return Array(head)
            }
            left -= 1
            return left >= 0 ? piece : nil
        }
        test.directory.apply(try await writer.commit())
        let reader = try ArchiveReader(test.archive, directory: test.directory).message(taken.keyID)
        var count = 0
        while let octets = try reader.next() { count += octets.count }
        #expect(count == taken.octetCount && count > 290_000_000)
        let grown = Self.peak() - before
        print("a message of \(count) octets: memory grew by \(grown) KiB")
        #expect(grown < 24_576)
    }

    /// The highest resident size so far, KiB.
    private static func peak() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
    }
}
