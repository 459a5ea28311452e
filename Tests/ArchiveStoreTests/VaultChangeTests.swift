import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// An archive and its anchors in one folder, so that a copy of the folder is a copy of all of them.
private final class World: Sendable {
    let root: String
    let ownsFolder: Bool
    var path: String { root + "/archive" }

    init(copying other: World? = nil) throws {
        root = TestArchive.folder()
        ownsFolder = true
        if let other {
            try FileManager.default.copyItem(atPath: other.root, toPath: root)
        } else {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Anchors by their place in the folder; those named in `lost` are not to be reached.
    func access(lost: Set<String> = [], kit: ErasureSecret? = nil) -> AnchorAccess {
        let root = root
        return AnchorAccess(kit: kit) { entry, archive throws(ArchiveError) in
            guard !lost.contains(entry.name) else { throw ArchiveError(.anchorUnavailable, "no answer") }
            return DirectoryAnchor(path: "\(root)/\(entry.place)", archive: archive)
        }
    }

    func open(lost: Set<String> = [], kit: ErasureSecret? = nil) throws -> Archive {
        try Archive.open(at: path, unlocking: [.plain], anchors: access(lost: lost, kit: kit))
    }

    func writer(_ archive: Archive, _ options: WriterOptions = WriterOptions()) throws -> ArchiveWriter {
        try ArchiveWriter(
            archive, directory: InMemoryDirectory(of: archive), environment: TestArchive.environment, options: options)
    }

    func read(_ keyID: RandomID, _ archive: Archive) throws -> [UInt8] {
        try ArchiveReader(archive, directory: InMemoryDirectory(of: archive)).message(keyID).all(limit: 1 << 24)
    }

    /// `count` small messages; their key ids.
    func fill(_ archive: Archive, _ count: Int) async throws -> [RandomID] {
        let directory = try InMemoryDirectory(of: archive)
        let writer = try ArchiveWriter(archive, directory: directory, environment: TestArchive.environment)
        let lane = writer.makeLane()
        var keyIDs: [RandomID] = []
        for number in 0..<count {
            keyIDs.append(try await lane.ingest(Mail.small(number)).keyID)
            if number % 500 == 0 { directory.apply(try await writer.commit()) }
        }
        directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        return keyIDs
    }

    /// Names of the files that hold secrets or vault state.
    func secretFiles() throws -> Set<String> {
        Set(
            try FileManager.default.subpathsOfDirectory(atPath: root).filter {
                $0.contains("/vault/") || $0.contains("keys/erasure") || $0.contains("keys/anchors")
                    || $0.hasPrefix("one/") || $0.hasPrefix("two/")
            })
    }
}

@Suite struct VaultChangeTests {
    private static let outside = [
        AnchorEntry(name: "one", kind: .directory, place: "one"),
        AnchorEntry(name: "two", kind: .directory, place: "two"),
    ].compactMap { $0 }

    private func world(anchored: Bool, messages: Int) async throws -> (world: World, keyIDs: [RandomID]) {
        let world = try World()
        let archive = try Archive.create(at: world.path, CreationOptions(secret: .plain, now: 1_795_000_000))
        let keyIDs = try await world.fill(archive, messages)
        if anchored {
            let writer = try world.writer(try world.open())
            _ = try await writer.changeVault(VaultChange(anchors: Self.outside))
            try await writer.close()
        }
        return (world, keyIDs)
    }

    @Test(arguments: [false, true])
    func `an erased key is gone, everything else reads, in the same session and the next`(anchored: Bool) async throws {
        // More than one shard: one sealed, one open.
        let (world, keyIDs) = try await world(anchored: anchored, messages: 4_200)
        let archive = try world.open()
        let writer = try world.writer(archive)
        let erased = [keyIDs[7], keyIDs[4_199]]
        let result = try await writer.changeVault(
            VaultChange(erasing: Set(erased), secrets: ["catalog": [UInt8](repeating: 7, count: 32)]))
        #expect(result.erasedCount == 2)
        #expect(result.epoch == (anchored ? 2 : 1))
        #expect(result.attestations == (anchored ? ["one destroyed", "two destroyed"] : ["inside destroyed"]))
        for keyID in erased { #expect(throws: ArchiveError.self) { try world.read(keyID, archive) } }
        #expect(try world.read(keyIDs[8], archive) == Mail.small(8))
        #expect(try archive.catalogKey() == [UInt8](repeating: 7, count: 32))
        let lane = writer.makeLane()
        let late = try await lane.ingest(Mail.small(90_000)).keyID
        _ = try await writer.commit()
        lane.finish()
        try await writer.close()

        let again = try world.open()
        #expect(try world.read(late, again) == Mail.small(90_000))
        #expect(try world.read(keyIDs[4_198], again) == Mail.small(4_198))
        for keyID in erased { #expect(throws: ArchiveError.self) { try world.read(keyID, again) } }
        let files = try world.secretFiles()
        #expect(files.filter { $0.contains("root.") }.count == 1)
        #expect(files.contains("archive/keys/erasure") != anchored)
        #expect(!files.contains("archive/keys/erasure.next"))
    }

    @Test func `with outside anchors an older copy of the folder opens no more, today's opens with one anchor`()
        async throws
    {
        let (world, keyIDs) = try await world(anchored: true, messages: 20)
        let old = try World(copying: world)
        let writer = try world.writer(try world.open())
        _ = try await writer.changeVault(VaultChange(erasing: [keyIDs[3]]))
        try await writer.close()
        #expect {
            // The old folder, the anchors as they are today.
            _ = try Archive.open(at: old.path, unlocking: [.plain], anchors: world.access())
        } throws: { ($0 as? ArchiveError)?.kind == .anchorUnavailable }
        #expect(try world.read(keyIDs[4], try world.open(lost: ["one"])) == Mail.small(4))
        #expect(throws: ArchiveError.self) { try world.open(lost: ["one", "two"]) }
    }

    @Test func `an anchor that cannot be reached leaves everything as it was`() async throws {
        let (world, keyIDs) = try await world(anchored: true, messages: 5)
        let before = try world.secretFiles()
        let archive = try world.open(lost: ["two"])
        let writer = try world.writer(archive)
        await #expect {
            _ = try await writer.changeVault(VaultChange(erasing: [keyIDs[0]]))
        } throws: { ($0 as? ArchiveError)?.kind == .anchorUnavailable }
        #expect(try world.read(keyIDs[0], archive) == Mail.small(0))
        // The one that is lost may be given up; its secret stays to be destroyed.
        _ = try await writer.changeVault(VaultChange(anchors: [Self.outside[0]]))
        try await writer.close()
        #expect(try world.read(keyIDs[0], try world.open(lost: ["two"])) == Mail.small(0))
        let back = try world.writer(try world.open())
        _ = try await back.changeVault(VaultChange(anchors: [Self.outside[0]]))
        try await back.close()
        #expect(try world.secretFiles().filter { $0.hasPrefix("two/") }.isEmpty)
        #expect(before.count > 3)
    }

    @Test func `the secret moves out and in again; a kit of the present epoch opens`() async throws {
        let (world, keyIDs) = try await world(anchored: true, messages: 3)
        let archive = try world.open()
        let kit = try archive.erasureSecret()
        for name in ["one", "two"] { try FileManager.default.removeItem(atPath: "\(world.root)/\(name)") }
        #expect(throws: ArchiveError.self) { try world.open() }
        let found = try world.open(kit: kit)
        #expect(try world.read(keyIDs[1], found) == Mail.small(1))
        let writer = try world.writer(found)
        _ = try await writer.changeVault(VaultChange(anchors: [.inside]))
        try await writer.close()
        #expect(try world.read(keyIDs[1], try world.open()) == Mail.small(1))
        #expect(try world.secretFiles().contains("archive/keys/erasure"))
    }

    @Test(arguments: [false, true])
    func `a crash at any step ends, at the next writer, in the old epoch or the new one`(anchored: Bool) async throws {
        let (world, keyIDs) = try await world(anchored: anchored, messages: 40)
        let crashes = Mutex<[(step: FaultStep, world: World)]>([])
        var options = WriterOptions()
        options.fault = { step in
            do {
                let copy = try World(copying: world)
                crashes.withLock { $0.append((step, copy)) }
            } catch { Issue.record("\(error)") }
        }
        let writer = try world.writer(try world.open(), options)
        crashes.withLock { $0 = [] }
        _ = try await writer.changeVault(VaultChange(erasing: [keyIDs[11]]))
        try await writer.close()
        let all = crashes.withLock { $0 }
        let steps = Set(all.map(\.step))
        #expect(
            steps.isSuperset(of: [.vaultShards, .anchorPending, .vaultRoot, .currentFlip, .anchorDestroy, .vaultUnlink])
        )
        let base: UInt32 = anchored ? 1 : 0
        for (step, copy) in all {
            // A reader opens at every instant.
            #expect(try copy.read(keyIDs[12], try copy.open()) == Mail.small(12), "\(step)")
            let archive = try copy.open()
            let next = try copy.writer(archive)
            try await next.close()
            let epoch = try copy.open().erasureSecret().epoch
            #expect(epoch == base || epoch == base + 1, "\(step)")
            let isErased = (try? copy.read(keyIDs[11], try copy.open())) == nil
            #expect(isErased == (epoch == base + 1), "\(step)")
            let files = try copy.secretFiles()
            #expect(files.filter { $0.contains("/root.") }.count == 1, "\(step)")
            #expect(files.filter { $0.hasPrefix("one/") }.count == (anchored ? 1 : 0), "\(step)")
            #expect(files.contains("archive/keys/erasure") != anchored, "\(step)")
            #expect(!files.contains("archive/keys/erasure.next"), "\(step)")
        }
    }
}
