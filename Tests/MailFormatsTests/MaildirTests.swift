import Foundation
import MailCore
import MailFormats
import Testing

struct MaildirTests {
    @Test(
        "a file name splits into base and flags",
        arguments: [
            ("1.a.host:2,FS", "1.a.host", "\\Flagged \\Seen"), ("1.a.host", "1.a.host", ""), ("1.a:2,", "1.a", ""),
            ("1.a,S=12:2,DPRTab", "1.a,S=12", "\\Answered \\Deleted \\Draft $Forwarded $Label1 work"),
            ("1!2,S", "1", "\\Seen"),
            ("a:b", "a:b", ""),
        ])
    func names(_ name: String, _ base: String, _ flags: String) {
        let parsed = MaildirFileName(parsing: Array(name.utf8))
        #expect(parsed.base == Array(base.utf8))
        let found = parsed.flags(keywords: [0: "$Label1", 1: "work"])
        #expect(Set(found.flags) == Set(flags.split(separator: " ").map { Flag(String($0)) }))
    }

    @Test("what is written is read, octet for octet, with flags, date and mailbox")
    func roundTrip() async throws {
        let folder = try TemporaryFolder()
        let writer = try MaildirWriter(path: folder.path + "/Mail", host: "h/o:st", processID: 7)
        let names = [
            MailboxName("INBOX"), MailboxName("Archív/2024"), MailboxName("../../etc"), MailboxName("a%b"),
            MailboxName(String(repeating: "long", count: 100)), MailboxName("a//b/"),
        ]
        let message: [UInt8] = [0, 13, 10, 255, 10, 13]
        let flags: FlagSet = [.seen, Flag("$Forwarded"), Flag("work")]
        for name in names {
            _ = try writer.append(
                message, to: name, flags: flags, internalDate: InternalDate(secondsSinceEpoch: 1_000_000), now: 5)
            _ = try writer.append([], to: name, flags: [], internalDate: nil, now: 5)
        }
        let top = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(top == ["Mail"])
        let store = try MaildirStore(path: folder.path + "/Mail")
        let listings = try await store.mailboxes().listings
        #expect(listings.count == names.count)
        for listing in listings {
            let found = try await everything(store, listing.name)
            #expect(found.count == 2)
            let whole = found.first { !$0.octets.isEmpty }
            #expect(whole?.octets == message && whole?.summary.flags == flags)
            #expect(whole?.summary.internalDate?.secondsSinceEpoch == 1_000_000)
        }
        #expect(listings.contains { $0.name == MailboxName("Archív.2024", delimiter: 0x2E) })
        #expect(listings.contains { $0.name.octets.count == 400 })
    }

    @Test("UIDs are those of dovecot-uidlist, and stay when messages come and go without one")
    func uids() async throws {
        let folder = try TemporaryFolder()
        for name in ["1", "2", "3"] { try folder.write("cur/\(name).h:2,S", "A: \(name)\n\n") }
        let store = try MaildirStore(path: folder.path)
        let inbox = MailboxName("INBOX")
        let before = try await everything(store, inbox)
        try FileManager.default.removeItem(atPath: folder.path + "/cur/2.h:2,S")
        try folder.write("new/4.h", "A: 4\n\n")
        let after = try await everything(store, inbox)
        #expect(after.count == 3)
        for (summary, octets) in before where octets != Array("A: 2\n\n".utf8) {
            #expect(after.contains { $0.summary.uid == summary.uid && $0.octets == octets })
        }
        try folder.write("dovecot-uidlist", "3 V99 N9 Gabc\n5 :1.h\n8 W10 :3.h:2,S\n")
        let observation = try await store.observe(inbox, since: nil)
        #expect(observation.status.uidValidity == UIDValidity(99))
        let listed = try await everything(store, inbox)
        #expect(listed.map(\.summary.uid.value) == [5, 8, 9])
    }

    @Test("a file that vanished is a refusal and the others go on")
    func vanished() async throws {
        let folder = try TemporaryFolder()
        for name in ["1", "2"] { try folder.write("cur/\(name):2,", "A: \(name)\n\n") }
        let store = try MaildirStore(path: folder.path)
        let inbox = MailboxName("INBOX")
        let observation = try await store.observe(inbox, since: nil)
        guard case .full(let summaries) = observation.content else { return }
        try FileManager.default.moveItem(atPath: folder.path + "/cur/1:2,", toPath: folder.path + "/cur/1:2,S")
        try FileManager.default.removeItem(atPath: folder.path + "/cur/2:2,")
        let report = try await store.fetch(summaries, from: inbox, uidValidity: observation.status.uidValidity) { _ in }
        #expect(report.delivered.count == 1)
        #expect(report.refused.values.map(\.reason) == [.expunged])
    }

    @Test("a Maildir of others is read whole", arguments: ["astroid", "mu", "notmuch", "mairix"])
    func corpora(_ name: String) async throws {
        guard let root = Corpora.url(name) else { return }
        let store = try MaildirStore(path: root.path)
        var count = 0
        for listing in try await store.mailboxes().listings {
            for (summary, octets) in try await everything(store, listing.name) {
                #expect(summary.octetCount == octets.count)
                count += 1
            }
        }
        print("\(name): \(count) messages in Maildirs")
    }

    @Test("a writer never follows a link out of its tree")
    func links() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/outside", withIntermediateDirectories: true)
        let writer = try MaildirWriter(path: folder.path + "/Mail", host: "h", processID: 1)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/Mail/.evil", withDestinationPath: folder.path + "/outside")
        #expect(throws: FormatsError.self) {
            _ = try writer.append([65], to: MailboxName("evil"), flags: [], internalDate: nil, now: 1)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/outside").isEmpty)
    }
}
