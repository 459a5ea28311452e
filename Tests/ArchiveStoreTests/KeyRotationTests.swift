import ArchiveCrypto
import ArchiveLedger
import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// Copies of an archive at every step of a rotation.
private final class Stages: Sendable {
    let copies = Mutex<[(step: FaultStep, path: String)]>([])

    func take(_ path: String, _ step: FaultStep) {
        let target = TestArchive.folder()
        do {
            try FileManager.default.copyItem(atPath: path, toPath: target)
            copies.withLock { $0.append((step, target)) }
        } catch { Issue.record("\(error)") }
    }
}

@Suite struct KeyRotationTests {
    private static let identity = ArchiveSecret.keyFile(Array(repeating: 7, count: 40))

    /// An archive with a message in it, whose log key has not changed yet.
    private func filled() async throws -> TestArchive {
        let test = try TestArchive()
        let writer = try test.writer()
        let lane = writer.makeLane()
        _ = try await lane.ingest(Mail.small(1))
        test.directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        return test
    }

    private func expectSound(_ path: String, _ label: String) throws {
        let report = ArchiveCheck.run(try Archive.open(at: path, unlocking: []))
        #expect(report.isSound, "\(label): \(report.findings)")
        let keyless = try ArchiveCheck.runWithoutKeys(at: path)
        #expect(keyless.isSound, "\(label), without keys: \(keyless.findings)")
    }

    @Test func `a new log key signs from its leaf on, and old checkpoints stay valid with the old one`() async throws {
        let test = try await filled()
        let before = try Archive.logKeys(at: test.path).keys
        let kept = "\(test.path)/log/checkpoints"
        let old = try FileManager.default.contentsOfDirectory(atPath: kept).compactMap { UInt64($0) }.max() ?? 0
        let oldNote = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(kept)/\(old)")))
        for number in 1...3 {
            let writer = try TestArchive.reopenedWriter(test.path)
            let keys = try await writer.rotateLogKey()
            // The same session goes on with the new key.
            _ = try await writer.addSlot(Self.identity, label: "\(number)")
            try await writer.close()
            #expect(keys.former.count == number)
            #expect(try Archive.logKeys(at: test.path).keys == keys)
            try expectSound(test.path, "rotation \(number)")
        }
        let keys = try Archive.logKeys(at: test.path).keys
        #expect(keys.former.first?.key == before.current)
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(kept)/\(old)"))) == oldNote)
        for name in try FileManager.default.contentsOfDirectory(atPath: kept) {
            let octets = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(kept)/\(name)")))
            let note = try #require(CheckpointNote(parsing: octets))
            let isHandover = keys.former.contains { $0.lastSize == note.checkpoint.size }
            #expect(note.signatures.count == (isHandover ? 2 : 1), "checkpoint \(name)")
            #expect(keys.areBehind(note))
            // The first key says nothing of trees it did not see.
            let isFirst = note.checkpoint.size <= keys.former[0].lastSize
            #expect(note.isSigned(by: before.current) == isFirst, "checkpoint \(name)")
        }
    }

    @Test func `a rotation that is interrupted at any step leaves a sound archive, and one that goes on`() async throws
    {
        let test = try await filled()
        let stages = Stages()
        let path = test.path
        var options = WriterOptions()
        options.fault = { stages.take(path, $0) }
        let writer = try test.writer(options)
        _ = try await writer.rotateLogKey()
        try await writer.close()
        let copies = stages.copies.withLock { $0 }
        let steps = Set(copies.map(\.step))
        #expect(
            steps.isSuperset(of: [
                .vaultRoot, .currentFlip, .journalSync, .ledgerAppend, .checkpoint, .logKeyFile, .identity,
            ]))
        for (number, copy) in copies.enumerated() {
            let label = "\(number), after \(copy.step)"
            defer { try? FileManager.default.removeItem(atPath: copy.path) }
            // Readers open it as it is, and what is signed verifies.
            _ = try Archive.open(at: copy.path, unlocking: []).ledger()
            let keyless = try ArchiveCheck.runWithoutKeys(at: copy.path)
            #expect(
                keyless.findings.allSatisfy { !"\($0)".contains("signed by the key") }, "\(label): \(keyless.findings)")
            try await TestArchive.reopenedWriter(copy.path).close()
            let recovered = try Archive.open(at: copy.path, unlocking: [])
            #expect(try !recovered.needsRecovery(), "\(label)")
            try expectSound(copy.path, label)
            let isDone = try Archive.logKeys(at: copy.path).keys.former.count
            let again = try TestArchive.reopenedWriter(copy.path)
            let keys = try await again.rotateLogKey()
            try await again.close()
            #expect(keys.former.count == isDone + 1, "\(label)")
            try expectSound(copy.path, "\(label), rotated again")
        }
    }

    @Test func `a writer that was opened before another process changed the key signs with the new one`() async throws {
        let test = try await filled()
        let early = try Archive.open(at: test.path, unlocking: [])
        let other = try TestArchive.reopenedWriter(test.path)
        _ = try await other.rotateLogKey()
        try await other.close()
        let writer = try ArchiveWriter(
            early, directory: InMemoryDirectory(of: early), environment: TestArchive.environment)
        _ = try await writer.addSlot(Self.identity, label: "late")
        try await writer.close()
        #expect(try early.ledger().defects.isEmpty)
        try expectSound(test.path, "after both")
    }

    @Test(arguments: ["size", "key", "signature", "mac", "gone"])
    func `changed former keys are found`(_ change: String) async throws {
        let test = try await filled()
        let writer = try test.writer()
        _ = try await writer.rotateLogKey()
        try await writer.close()
        let file = "\(test.path)/keys/log"
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        var words = lines[2].split(separator: " ").map(String.init)
        switch change {
        case "size": words[2] = "99"
        case "key": words[1] = Base64.encode(Array(repeating: 9, count: 32))
        case "signature": words[4] = Base64.encode(Array(repeating: 9, count: 64))
        case "mac": lines[3] = "mac \(Base64.encode(Array(repeating: 9, count: 32)))"
        default: break
        }
        lines[2] = words.joined(separator: " ")
        try FileManager.default.removeItem(atPath: file)
        if change != "gone" {
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: file))
        }
        let archive = try Archive.open(at: test.path, unlocking: [])
        #expect(try archive.ledger().defects.isEmpty, "the archive opens all the same")
        #expect(!ArchiveCheck.run(archive).isSound)
        if change != "mac" { #expect(try !ArchiveCheck.runWithoutKeys(at: test.path).isSound) }
    }

    // MARK: slots

    @Test func `a slot gives its place to another, and the old secret opens no more`() async throws {
        let old = ArchiveSecret.passphrase(Array("old".utf8))
        let new = ArchiveSecret.passphrase(Array("new".utf8))
        let test = try TestArchive(old)
        let slot = try #require(try test.archive.slots().first)
        let writer = try test.writer()
        let id = try await writer.rotateSlot(slot.id, to: new, label: slot.label, cost: TestArchive.cost)
        try await writer.close()
        #expect(throws: ArchiveError.self) { try Archive.open(at: test.path, unlocking: [old]) }
        let archive = try Archive.open(at: test.path, unlocking: [new])
        #expect(try archive.slots().map(\.id) == [id])
        #expect(ArchiveCheck.run(archive).isSound)
    }

    @Test func `an identity opens the slot of its recipient, and unknown or damaged slots keep nothing from opening`()
        async throws
    {
        let key = try X25519Identity(octets: Array(repeating: 5, count: 32))
        let test = try TestArchive(.recipient(key.recipient))
        try Data("mailarc-slot/1\ntype tomorrow\nlabel x\n".utf8).write(
            to: URL(fileURLWithPath: "\(test.path)/keys/00.slot"))
        try Data("mailarc-slot/1\ntype scrypt x\n".utf8).write(to: URL(fileURLWithPath: "\(test.path)/keys/01.slot"))
        let archive = try Archive.open(at: test.path, unlocking: [.identity(key)])
        #expect(try archive.slots().map(\.kind).sorted() == ["damaged", "unknown", "x25519"])
        let opened = try Archive.open(
            at: test.path,
            unlocking: [
                .agreement { request in
                    try? X25519.sharedSecret(privateKey: key.secret.copy, publicKey: request.ephemeral)
                }
            ])
        #expect(opened.id == archive.id)
        for none in [ArchiveSecret.agreement { _ in nil }, .agreement { _ in Array(repeating: 0, count: 32) }] {
            #expect(throws: ArchiveError.self) { try Archive.open(at: test.path, unlocking: [none]) }
        }
        let writer = try ArchiveWriter(
            archive, directory: InMemoryDirectory(of: archive), environment: TestArchive.environment)
        let slot = try #require(try archive.slots().first { $0.kind == "x25519" })
        await #expect(throws: ArchiveError.self, "no unknown slot counts as one that opens") {
            try await writer.removeSlot(slot.id)
        }
        try await writer.close()
    }

    @Test func `slots that no leaf names, or that were removed and are back, are findings`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        let id = try await writer.addSlot(Self.identity, label: "usb")
        let path = "\(test.path)/keys/\(id).slot"
        let octets = try Data(contentsOf: URL(fileURLWithPath: path))
        try await writer.removeSlot(id)
        try await writer.close()
        #expect(ArchiveCheck.run(test.archive).isSound)
        try octets.write(to: URL(fileURLWithPath: path))
        let report = ArchiveCheck.run(test.archive)
        #expect(report.findings.count == 1 && report.findings[0].what.contains("says that it was removed"))
    }
}

extension TestArchive {
    /// A writer of the plain archive at `path`, as a new process has it.
    static func reopenedWriter(_ path: String) throws -> ArchiveWriter {
        let archive = try Archive.open(at: path, unlocking: [])
        return try ArchiveWriter(archive, directory: InMemoryDirectory(of: archive), environment: environment)
    }
}
