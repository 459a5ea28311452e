import ArchiveCrypto
import ArchiveStore
import MailCore
import Testing

@Suite struct CodecTests {
    private var events: [OccurrenceEvent] {
        let inbox = OccurrenceAddress(
            account: "work", mailbox: MailboxName("INBOX"), uidValidity: UIDValidity(3), uid: .max)
        let flat = OccurrenceAddress(
            account: "import:x", mailbox: MailboxName(octets: [0xFF, 0xFE], delimiter: nil),
            uidValidity: UIDValidity(0), uid: .min)
        let key = RandomID(octets: [UInt8](0..<16))
        return [
            key.map {
                .placed(
                    message: $0, at: inbox, flags: [.seen, Flag("$Forwarded")],
                    internalDate: InternalDate(secondsSinceEpoch: -5, zoneOffset: -90, raw: "odd"), modSeq: ModSeq(9),
                    channel: .pipe, fidelity: .reconstructed)
            },
            .flagsChanged(at: flat, flags: [], modSeq: nil), .gone(at: inbox, movedTo: flat),
            .gone(at: flat, movedTo: nil),
            .mailboxCreated(
                account: "work", mailbox: MailboxName("Entwürfe"), role: .drafts, uidValidity: UIDValidity(1)),
            .mailboxRenamed(account: "work", from: MailboxName("a"), to: MailboxName("b", delimiter: 0x2E)),
            .mailboxDeleted(account: "work", mailbox: MailboxName("a")),
            .uidValidityChanged(
                account: "work", mailbox: MailboxName("a"), from: UIDValidity(1), to: UIDValidity(2),
                mapping: [.min: .max]),
            .quarantined(at: inbox, refusal: Refusal(.garbled, detail: "NO [UNAVAILABLE]")),
            .uidsGiven(account: "work", mailbox: MailboxName("a"), uidValidity: UIDValidity(4), next: .max),
            .delivered(
                at: inbox,
                facts: DeliveryFacts(
                    direction: .sent, sender: "", recipients: ["anna_snd@example.org", "ü@example.org"],
                    client: "[::1]:5", helloName: "mx", transport: "UTF8LMTPS", tls: "TLSv1.3", time: -7)),
            .delivered(
                at: flat,
                facts: DeliveryFacts(direction: .received, sender: "a@b", recipients: [], time: 7, keptUntil: 1 << 40)),
        ].compactMap { $0 }
    }

    @Test func `every kind of event comes back`() throws {
        let record = EventRecord(sequence: 7, time: -1, writer: [UInt8](0..<8), events: events)
        #expect(try EventRecord(decoding: record.encode()) == record)
        #expect(events.count == 12)
    }

    @Test func `no octets make an event record, a recipe or a journal crash`() throws {
        let record = EventRecord(sequence: 7, time: 1, writer: [UInt8](0..<8), events: events).encode()
        let key = try #require(RandomID(octets: [UInt8](0..<16)))
        let layout = Base64Layout(lineLength: 76, lineEnd: .crlf, endsWithLineEnd: true)
        let quoted = QPLayout(
            width: 76, lineEnd: .lf, literal: (0..<256).map { $0 % 3 == 0 },
            patches: [QPLayout.Patch(copied: 3, deleted: 4, inserted: [1, 2])])
        let recipe = Recipe(
            digest: [UInt8](repeating: 3, count: 32), octetCount: 99, parts: [.init(keyID: key, octetCount: 300)],
            operations: [
                .literal([1, 2, 3]), .raw(part: 0), .base64(part: 0, layout), .quotedPrintable(part: 0, quoted),
            ])
        #expect(try Recipe(decoding: recipe.encode()) == recipe)
        var seeded = Seeded(17)
        for octets in [record, recipe.encode()] {
            for count in 0..<octets.count {
                #expect(throws: ArchiveError.self) {
                    let cut = Array(octets[..<count])
                    if octets.count == record.count {
                        _ = try EventRecord(decoding: cut)
                    } else {
                        let decoded = try Recipe(decoding: cut)
                        // A recipe cut between two operations is one; its reader finds the digest wrong.
                        if decoded.operations.count < 4 { throw ArchiveError(.damaged, "fewer operations") }
                    }
                }
            }
            for _ in 0..<20_000 {
                var changed = octets
                changed[Int(seeded.next() % UInt64(octets.count))] = UInt8(truncatingIfNeeded: seeded.next())
                _ = try? EventRecord(decoding: changed)
                _ = try? Recipe(decoding: changed)
                _ = try? JournalRecord.decode(changed)
            }
        }
    }

    @Test func `a varint has one spelling`() {
        for value: UInt64 in [0, 1, 127, 128, 16_383, 16_384, .max] {
            var writer = ByteWriter()
            writer.varint(value)
            var reader = ByteReader(writer.octets)
            #expect(reader.varint() == value && reader.isAtEnd)
        }
        for octets: [UInt8] in [[], [0x80], [0x80, 0x00], [UInt8](repeating: 0xFF, count: 9) + [2]] {
            var reader = ByteReader(octets)
            #expect(reader.varint() == nil)
        }
    }

    @Test func `two lanes work side by side and share what they find`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        var seeded = Seeded(21)
        let attachments = (0..<4).map { _ in seeded.octets(50_000) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    let lane = writer.makeLane()
                    for index in 0..<40 {
                        let own = index % 4 == 0 ? 100 : number
                        _ = try await lane.ingest(
                            Mail.withAttachment(attachments[index % 4], number: own * 1_000 + index))
                    }
                    lane.finish()
                }
            }
            for _ in 0..<5 {
                test.directory.apply(try await writer.commit())
                await Task.yield()
            }
            try await group.waitForAll()
        }
        test.directory.apply(try await writer.commit())
        try await writer.close()
        let report = ArchiveCheck.run(test.archive)
        #expect(report.isSound, "\(report.findings)")
        #expect(report.messageCount == 10 + 2 * 30)
        // Nonces: chunk numbers under a key that seals one blob, so keys must differ.
        let keys = Set(test.directory.locations.map(\.keyID))
        #expect(keys.count == report.blobCount)
    }

    @Test func `a lane that ends before the commit leaves its messages to it`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        var keys: [RandomID] = []
        for number in 0..<3 {
            let lane = writer.makeLane()
            keys.append(try await lane.ingest(Mail.small(number)).keyID)
            lane.finish()
        }
        let event = OccurrenceEvent.mailboxDeleted(account: "a", mailbox: MailboxName("b"))
        test.directory.apply(try await writer.commit(events: [event]))
        try await writer.close()
        for (number, key) in keys.enumerated() { #expect(try test.read(key) == Mail.small(number)) }
        #expect(ArchiveCheck.run(test.archive).isSound)
    }
}
