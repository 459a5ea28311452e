import ArchiveStore
import MailCore
import Testing

@Suite struct SliceTests {
    @Test func `an archive is created, written, reopened and read back`() async throws {
        let test = try TestArchive(.passphrase(Array("correct horse".utf8)))
        var seeded = Seeded(1)
        let messages =
            [[], Mail.small(1), Mail.withAttachment(seeded.octets(300_000))]
            + [Mail.withAttachment(seeded.octets(3_500_000), number: 2), Mail.small(2)]
        let writer = try test.writer()
        let lane = writer.makeLane()
        var keys: [RandomID] = []
        for message in messages {
            let taken = try await lane.ingest(message)
            #expect(taken.isNew)
            #expect(taken.octetCount == message.count)
            keys.append(taken.keyID)
        }
        let address = OccurrenceAddress(
            account: "work", mailbox: MailboxName("Archív/2024"), uidValidity: UIDValidity(7), uid: .min)
        let event = OccurrenceEvent.placed(
            message: keys[0], at: address, flags: [.seen], internalDate: InternalDate(secondsSinceEpoch: 1),
            modSeq: ModSeq(5), channel: .imap, fidelity: .exact)
        let group = try await writer.commit(events: [event])
        test.directory.apply(group)
        #expect(group.messages.map(\.keyID) == keys)
        #expect(group.eventSequence == 1)
        #expect(group.ledgerSize == 8)
        lane.finish()
        try await writer.close()

        let reopened = try Archive.open(at: test.path, unlocking: [.passphrase(Array("correct horse".utf8))])
        let directory = try InMemoryDirectory(of: reopened)
        #expect(directory.count == group.blobs.count)
        for blob in group.blobs { #expect(directory.location(keyID: blob.keyID) == blob) }
        let reader = ArchiveReader(reopened, directory: directory)
        for (key, message) in zip(keys, messages) {
            #expect(try reader.message(key).all(limit: 1 << 24) == message)
            #expect(try reader.message(key).prefix(20) == Array(message.prefix(20)))
        }
        let record = try #require(group.blobs.last { $0.kind == .events })
        #expect(try reader.events(record.keyID).events == [event])
        #expect(throws: ArchiveError.self) {
            try Archive.open(at: test.path, unlocking: [.passphrase(Array("wrong".utf8))])
        }
    }
}
