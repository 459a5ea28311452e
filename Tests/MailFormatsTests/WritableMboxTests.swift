import Foundation
import MailCore
import MailFormats
import MailarcTesting
import Testing

struct WritableMboxTests {
    private static func open(_ folder: TemporaryFolder) throws -> WritableMbox {
        try WritableMbox(path: folder.path + "/Mail", uidLists: folder.path + "/uids") { 1_700_000_000 }
    }

    private func deliver(_ messages: [HeldMessage], to mailbox: MailboxName, of store: WritableMbox) async throws
        -> [UID]
    {
        try await store.create(mailbox, role: nil, isSubscribed: false)
        var rest = messages[...]
        var uids: [UID] = []
        try await store.deliver(to: mailbox, try await store.deliveryTraits(of: mailbox)) {
            rest.popFirst()
        } each: { _, outcome in
            if case .delivered(_, let uid?) = outcome { uids.append(uid) }
        }
        return uids
    }

    private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.path + "/Mail/" + name, encoding: .utf8)
    }

    @Test("a tree of mbox files keeps the contract of an end of a sync, and holds nothing but mail")
    func conformance() async throws {
        let folder = try TemporaryFolder()
        let violations = try await SyncStoreConformance.violations { try Self.open(folder) }
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
        let files = FileManager.default.enumerator(atPath: folder.path + "/Mail")?.compactMap { $0 as? String } ?? []
        #expect(!files.isEmpty && !files.contains { $0.contains(".lock") || $0.contains("mailarc") }, "\(files)")
    }

    @Test(
        "octets come back as they went in, whatever the flags",
        arguments: [
            "A: b\n\nbody\n", "A: b\r\n\r\nbody\r\n\r\n\r\n", "A: b\n\nFrom me\n>From you\n>>From them\nFrom",
            "\nbody\n",
            "From: x\nFrom y\nA: b\n\n\nFrom z Mon Jan  1 00:00:10 2024\n\n", "A: b\n", "A: b\n\n",
            "A: b\nContent-Length: 3\n\nFrom x Mon Jan  1 00:00:10 2024\nbody\n",
            "A: b\n folded\n\tmore\n\nStatus: R\nX-UID: 5\n", "\r\n\r\n", "A: \u{0} \u{1}\n\n\u{0}\n",
        ])
    func octets(message: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let box = MailboxName("Box")
        let other = HeldMessage(octets: Array("A: other\n\nother\n".utf8), flags: [.seen], date: 5)
        let held = HeldMessage(octets: Array(message.utf8), flags: [.flagged, Flag("$Work")], date: 1_600_000_001)
        let uids = try await deliver([other, held, other], to: box, of: store)
        #expect(uids.count == 3)
        let whole = message.utf8.last == 0x0A ? message : message + "\n"
        for flags in [held.flags, [], [.seen, .answered, .draft, .deleted]] as [FlagSet] {
            let found = try await everything(try Self.open(folder), box)
            #expect(found.map(\.summary.uid) == uids)
            #expect(found.count == 3 && String(decoding: found[1].octets, as: UTF8.self) == whole)
            #expect(found[0].octets == other.octets && found[2].octets == other.octets)
            #expect(found[1].summary.octetCount == whole.utf8.count)
            let current = found[1].summary.flags
            let change = FlagChange(
                uid: uids[1], adding: flags, removing: FlagSet(current.flags.filter { !flags.contains($0) }))
            let validity = try await store.observe(box, since: nil).status.uidValidity
            #expect(try await store.setFlags([change], in: box, uidValidity: validity) == [uids[1]: .changed])
            #expect(try await everything(store, box)[1].summary.flags == flags)
        }
    }

    @Test("what an MTA delivered in between stays, and so does what other clients wrote into the file")
    func foreign() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let box = MailboxName("Box")
        let uids = try await deliver(
            (1...3).map { HeldMessage(octets: Array("A: \($0)\n\nbody\n".utf8), date: 5) }, to: box, of: store)
        let before = try text(folder, "Box")
        try folder.write(
            "Mail/Box",
            before.replacingOccurrences(of: "A: 3\n", with: "A: 3\nX-UID: 17\nStatus: RO\nX-Status: F\n")
                + "From a@b Mon Jan  1 00:00:10 2024\nA: 4\n\nnew\n\n")
        let validity = try await store.observe(box, since: nil).status.uidValidity
        #expect(try await store.expunge(UIDSet([uids[0]]), from: box, uidValidity: validity) == UIDSet([uids[0]]))
        let change = FlagChange(uid: uids[1], adding: [.answered], removing: [])
        _ = try await store.setFlags([change], in: box, uidValidity: validity)
        let found = try await everything(store, box)
        #expect(found.map { String(decoding: $0.octets.prefix(4), as: UTF8.self) } == ["A: 2", "A: 3", "A: 4"])
        #expect(found.prefix(2).map(\.summary.uid) == Array(uids.dropFirst()))
        #expect(found.map(\.summary.flags) == [[.answered], [.seen, .flagged], []])
        #expect(found[1].octets == Array("A: 3\n\nbody\n".utf8))
        let after = try text(folder, "Box")
        #expect(after.contains("X-UID: 17\n") && after.contains("X-Status: A\n"))
        // UIDs are not given twice.
        let more = try await deliver([HeldMessage(octets: Array("A: 5\n\n".utf8), date: 5)], to: box, of: store)
        #expect(more.allSatisfy { new in found.allSatisfy { $0.summary.uid < new } })
    }

    @Test("of equal messages those that stay keep their UIDs, also where the file was not written any more")
    func twins() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let box = MailboxName("Box")
        let twin = HeldMessage(octets: Array("A: 1\n\nbody\n".utf8), date: 5)
        let uids = try await deliver([twin, twin, twin], to: box, of: store)
        let validity = try await store.observe(box, since: nil).status.uidValidity
        let before = try text(folder, "Box")
        _ = try await store.expunge(UIDSet([uids[0]]), from: box, uidValidity: validity)
        #expect(try await everything(store, box).map(\.summary.uid) == Array(uids.dropFirst()))
        #expect(try await everything(try Self.open(folder), box).map(\.summary.uid) == Array(uids.dropFirst()))

        // As a crash leaves it: the list knows which one leaves, and the file has all of them.
        let lists = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/uids").filter {
            $0.hasPrefix("mbox-")
        }
        let path = "\(folder.path)/uids/\(try #require(lists.first))"
        let list = try String(contentsOfFile: path, encoding: .utf8)
        let line = try #require(list.split(separator: "\n").first { $0.hasPrefix("\(uids[1]) ") })
        try list.replacing(line, with: line + " -").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try await everything(try Self.open(folder), box).map(\.summary.uid) == Array(uids.dropFirst()))
        let after = try text(folder, "Box")
        let one = before.index(before.startIndex, offsetBy: before.count / 3)
        try folder.write("Mail/Box", String(after.dropFirst(before[..<one].count)))
        #expect(try await everything(try Self.open(folder), box).map(\.summary.uid) == [uids[2]])
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains(" -") == false)
    }

    @Test("a lock left behind by a process that is gone is broken; a half-written file is never the mailbox")
    func leftBehind() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let box = MailboxName("Box")
        _ = try await deliver([HeldMessage(octets: Array("A: 1\n\n".utf8), date: 5)], to: box, of: store)
        try folder.write("Mail/Box.lock", "2147483646\n")
        try folder.write("Mail/.Box.mailarc", "From a@b Mon Jan  1 00:00:10 2024\nA: hal")
        _ = try await deliver([HeldMessage(octets: Array("A: 2\n\n".utf8), date: 5)], to: box, of: store)
        #expect(try await everything(store, box).count == 2)
        #expect(try await store.mailboxes().listings.map(\.name.text) == ["Box"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/Mail") == ["Box"])
    }
}
