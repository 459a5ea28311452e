import Foundation
import MailCore
import MailFormats
import MailarcTesting
import Testing

struct WritableMaildirTests {
    private static func open(_ folder: TemporaryFolder) throws -> WritableMaildir {
        let counter = Int64.random(in: 1...1_000_000)
        return try WritableMaildir(
            path: folder.path + "/Mail", uidLists: folder.path + "/uids", host: "host", processID: 7
        ) { 1_700_000_000 + counter }
    }

    @Test("a Maildir keeps the contract of an end of a sync, and holds nothing but mail")
    func conformance() async throws {
        let folder = try TemporaryFolder()
        let violations = try await SyncStoreConformance.violations { try Self.open(folder) }
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
        let files = FileManager.default.enumerator(atPath: folder.path + "/Mail")?.compactMap { $0 as? String } ?? []
        #expect(!files.isEmpty && !files.contains { $0.contains("uid") }, "\(files)")
    }

    @Test("UIDs stay when others rename, add and remove files; mbsync's mark in a name is not part of it")
    func uids() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let inbox = MailboxName("INBOX")
        for name in ["5.a.h", "3.b.h,U=7", "9.c.h"] { try folder.write("Mail/cur/\(name):2,S", "A: \(name)\n\n") }
        let before = try await everything(store, inbox)
        let validity = try await store.observe(inbox, since: nil).status.uidValidity
        let cur = folder.path + "/Mail/cur/"
        try FileManager.default.moveItem(atPath: cur + "5.a.h:2,S", toPath: cur + "5.a.h,U=12:2,FS")
        try FileManager.default.removeItem(atPath: cur + "9.c.h:2,S")
        try folder.write("Mail/new/1.d.h", "A: d\n\n")
        try folder.write("Mail/dovecot-uidlist", "3 V77 N9\n1 :1.d.h\n2 :5.a.h\n")
        let again = try Self.open(folder)
        let after = try await everything(again, inbox)
        #expect(try await again.observe(inbox, since: nil).status.uidValidity == validity)
        func uid(_ text: String, _ all: [(summary: MessageSummary, octets: [UInt8])]) -> UID? {
            all.first { $0.octets.starts(with: "A: \(text)".utf8) }?.summary.uid
        }
        #expect(uid("5.a", after) == uid("5.a", before) && uid("3.b", after) == uid("3.b", before))
        #expect(uid("9.c", after) == nil)
        let newest = try #require(uid("d", after))
        #expect(before.allSatisfy { $0.summary.uid < newest })
        // The list is lost: other UIDs, and another UIDVALIDITY says so.
        try FileManager.default.removeItem(atPath: folder.path + "/uids")
        try FileManager.default.createDirectory(atPath: folder.path + "/uids", withIntermediateDirectories: false)
        #expect(try await Self.open(folder).observe(inbox, since: nil).content.count == 3)
    }

    @Test("what is staged can be read, becomes a message once, and leaves nothing behind where it is given up")
    func staging() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let inbox = MailboxName("INBOX")
        func files(_ part: String) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/Mail/\(part)").count
        }
        let message = HeldMessage(octets: Array("A: 1\r\n\r\nbody\r\n".utf8), flags: [.seen], date: 1_600_000_000)
        var file: (any SpoolFile)? = try store.stage(for: inbox)
        try file?.append(message.octets)
        #expect(try files("tmp") == 1)
        file = nil
        #expect(try files("tmp") == 0)

        let staged = try store.stage(for: inbox)
        try staged.append(message.octets)
        try staged.finish()
        let source = try staged.open()
        #expect(try source.next() == message.octets)
        #expect(try source.next() == nil)
        message.file = staged
        let traits = try await store.deliveryTraits(of: inbox)
        for round in 1...2 {
            // The second time its file is a message already: the octets are copied.
            var rest = [message][...]
            try await store.deliver(to: inbox, traits) {
                rest.popFirst()
            } each: { _, outcome in
                guard case .delivered(_, let uid?) = outcome else { return }
                #expect(uid.value == UInt32(round))
            }
        }
        #expect(try files("tmp") == 0 && files("cur") == 2)
        for (summary, octets) in try await everything(store, inbox) {
            #expect(octets == message.octets && summary.flags == [.seen])
            #expect(summary.internalDate?.secondsSinceEpoch == 1_600_000_000)
        }
        #expect(throws: StoreError.self) { try store.stage(for: MailboxName("nowhere")) }
    }

    @Test("what a writer that was killed left in tmp is removed after 36 hours, and nothing of anybody else")
    func leftovers() async throws {
        let folder = try TemporaryFolder()
        _ = try Self.open(folder)
        for name in ["1600000000.P9Q1.host", "1600000000.P9Q1.other", "1600000000.M1P9.host", "note"] {
            try folder.write("Mail/tmp/\(name)", "A: 1\n\n")
        }
        func names(hoursLater hours: Int64) throws -> [String] {
            let now = Int64(Date().timeIntervalSince1970) + hours * 3_600
            let store = try WritableMaildir(
                path: folder.path + "/Mail", uidLists: folder.path + "/uids", host: "host", processID: 7
            ) { now }
            _ = try store.stage(for: MailboxName("INBOX"))
            return try FileManager.default.contentsOfDirectory(atPath: folder.path + "/Mail/tmp").sorted()
        }
        #expect(try names(hoursLater: 35).count == 4)
        #expect(try names(hoursLater: 37) == ["1600000000.M1P9.host", "1600000000.P9Q1.other", "note"])
    }

    @Test("an end cut off in a list of UIDs is not there, and the next look writes over it")
    func tornList() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.open(folder)
        let inbox = MailboxName("INBOX")
        try folder.write("Mail/cur/1.h:2,", "A: 1\n\n")
        _ = try await store.observe(inbox, since: nil)
        let uids = folder.path + "/uids/"
        let list = uids + (try FileManager.default.contentsOfDirectory(atPath: folder.path + "/uids")[0])
        var octets = try Data(contentsOf: URL(fileURLWithPath: list))
        octets += Data("2 2.h,thi".utf8)
        try octets.write(to: URL(fileURLWithPath: list))
        try folder.write("Mail/cur/2.h:2,", "A: 2\n\n")
        let first = try await everything(store, inbox).map(\.summary.uid)
        let second = try await everything(try Self.open(folder), inbox).map(\.summary.uid)
        #expect(first == second && first.count == 2)
        #expect(!String(decoding: try Data(contentsOf: URL(fileURLWithPath: list)), as: UTF8.self).contains("thi"))
    }

    @Test("a folder with other things in it is not made a Maildir")
    func foreign() throws {
        let folder = try TemporaryFolder()
        try folder.write("Mail/notes.txt", "mine")
        #expect(throws: FormatsError.self) { try Self.open(folder) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/Mail") == ["notes.txt"])
    }
}

extension MailboxObservation.Content {
    var count: Int {
        switch self {
        case .full(let messages): messages.count
        case .delta(let changed, _): changed.count
        }
    }
}
