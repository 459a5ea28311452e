import Foundation
import MailCore
import MailFormats
import MailarcTesting
import Testing

@Suite("Importers")
struct ImportFormatTests {
    static let readers: [(name: String, open: @Sendable (String) throws -> any ImportStore)] = [
        ("emlx", { try FileTreeStore(path: $0, EmlxLayout()) }), ("mh", { try FileTreeStore(path: $0, MHLayout()) }),
        ("zip.zip", { try MemberStore.zip($0) }), ("stored.zip", { try MemberStore.zip($0) }),
        ("tar.tar", { try MemberStore.tar($0) }), ("tar.tar.gz", { try MemberStore.tar($0) }),
        ("tar.tar.zst", { try MemberStore.tar($0) }), ("takeout.mbox", { try MemberStore.takeout($0) }),
        ("takeout", { try MemberStore.takeout($0) }), ("takeout.zip", { try MemberStore.takeout($0) }),
        ("takeout.tgz", { try MemberStore.takeout($0) }),
    ]
    static func open(_ name: String, _ path: String) throws -> any ImportStore {
        try #require(readers.first { $0.name == name }).open(path)
    }

    @Test("every message comes octet for octet, in its mailbox and with its flags", arguments: readers.map(\.name))
    func everyMessage(_ name: String) async throws {
        guard let expected = try ImportSamples.expected(name) else { return }
        let store = try Self.open(name, ImportSamples.path(name))
        #expect(try await ImportSamples.lines(store) == expected)
        #expect(store.findings.problems.isEmpty)
        #expect(store.findings.otherFileCount ?? 0 >= 0)
        // Once more, from the places where the last reading stopped.
        #expect(try await ImportSamples.lines(store) == expected)
    }

    @Test("UIDs and UIDVALIDITY are the same each time", arguments: readers.map(\.name))
    func stable(_ name: String) async throws {
        guard try ImportSamples.expected(name) != nil else { return }
        let stores = try (1...2).map { _ in try Self.open(name, ImportSamples.path(name)) }
        for listing in try await stores[0].mailboxes().listings {
            let (first, second) = (
                try await stores[0].census(of: listing.name), try await stores[1].census(of: listing.name)
            )
            #expect(first == second)
        }
    }

    @Test(
        "a cut archive gives what was whole, and says where it ends",
        arguments: [
            "zip.zip", "tar.tar", "tar.tar.gz", "tar.tar.zst", "takeout.tgz", "takeout.mbox",
        ])
    func cut(_ name: String) async throws {
        guard try ImportSamples.expected(name) != nil else { return }
        let octets = try ImportSamples.octets(name)
        let folder = try TemporaryFolder()
        for step in 1..<20 {
            let path = folder.path + "/" + name
            try Data(octets.prefix(octets.count * step / 24)).write(to: URL(fileURLWithPath: path))
            guard let store = try? Self.open(name, path) else { continue }
            try await ImportSamples.readAll(store)
            if name.hasPrefix("tar") { #expect(try await !store.mailboxes().isComplete) }
        }
    }

    @Test(
        "changed octets never trap",
        arguments: [
            "zip.zip", "tar.tar", "tar.tar.gz", "tar.tar.zst", "takeout.zip", "takeout.tgz", "takeout.mbox",
        ])
    func fuzz(_ name: String) async throws {
        guard try ImportSamples.expected(name) != nil else { return }
        let original = try ImportSamples.octets(name)
        let folder = try TemporaryFolder()
        for seed in UInt64(1)...40 {
            var generator = SplitMix(seed: seed)
            var octets = original
            // Near the ends are the directories and headers.
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let reach = Bool.random(using: &generator) ? octets.count : min(octets.count, 4_096)
                let place = Int.random(in: 0..<reach, using: &generator)
                let index = Bool.random(using: &generator) ? place : octets.count - 1 - place
                octets[index] = Bool.random(using: &generator) ? 0xFF : UInt8.random(in: 0...255, using: &generator)
            }
            let path = folder.path + "/" + name
            try Data(octets).write(to: URL(fileURLWithPath: path))
            guard let store = try? Self.open(name, path) else { continue }
            try await ImportSamples.readAll(store)
        }
    }

    @Test("files that are none of it are refused in words")
    func others() throws {
        let folder = try TemporaryFolder()
        for (index, text) in ["", "PK", "PK\u{3}\u{4}", "hello", String(repeating: "x", count: 4_000)].enumerated() {
            try folder.write("f\(index)", text)
            #expect(throws: FormatsError.self) { try MemberStore.zip(folder.path + "/f\(index)") }
            #expect(throws: FormatsError.self) { try MemberStore.tar(folder.path + "/f\(index)") }
            #expect(throws: FormatsError.self) { try MemberStore.takeout(folder.path + "/f\(index)") }
            #expect(throws: FormatsError.self) { try FileTreeStore(path: folder.path + "/f\(index)", MHLayout()) }
        }
        #expect(throws: FormatsError.self) { try MemberStore.takeout(folder.path + "/none") }
    }

    @Test("quoting is undone when asked for, and the message says so")
    func unquoting() async throws {
        let store = try MemberStore.takeout(ImportSamples.path("takeout.mbox"), unquotes: true)
        let found = try await everything(store, MailboxName("Archive"))
        #expect(found.map(\.summary.fidelity) == [.exact, .unescaped, .exact])
        let unquoted = try #require(found.dropFirst().first)
        #expect(String(decoding: unquoted.octets, as: UTF8.self).contains("\r\nFrom me\r\n"))
    }

    @Test("what grows without end is stopped")
    func bomb() throws {
        var limit = ExpansionLimit()
        try limit.note(taken: 1, given: ExpansionLimit.free)
        #expect(throws: FormatsError.self) { try limit.note(taken: 1, given: 1 << 20) }
    }

    /// Runs a script that makes one file.
    private func made(_ name: String, in folder: TemporaryFolder, _ script: String) throws -> String {
        let path = folder.path + "/" + name
        let result = try ProcessCommand("python3", ["-c", script, path]).runBlocking()
        try #require(result.isSuccess, "\(result.errors)")
        return path
    }

    @Test("a bomb in a tar archive ends in words, and what came before it is there")
    func tarBomb() async throws {
        let folder = try TemporaryFolder()
        let path = try made(
            "bomb.tar.gz", in: folder,
            """
            import gzip, io, sys, tarfile
            buffer = io.BytesIO()
            archive = tarfile.open(fileobj=buffer, mode="w")
            small, large = tarfile.TarInfo("a.eml"), tarfile.TarInfo("b.eml")
            small.size, large.size = 5, 300 << 20
            archive.addfile(small, io.BytesIO(b"A: b\\n"))
            with gzip.open(sys.argv[1], "wb", compresslevel=9) as file:
                file.write(buffer.getvalue()[:1024] + large.tobuf())
                for _ in range(300): file.write(bytes(1 << 20))
            """)
        let store = try MemberStore.tar(path)
        #expect(try await !store.mailboxes().isComplete)
        #expect(store.findings.problems.contains { $0.contains("bomb") }, "\(store.findings.problems)")
        #expect(try await everything(store, MailboxName("INBOX")).map(\.octets) == [Array("A: b\n".utf8)])
        #expect(try await store.census(of: MailboxName("INBOX")).uids.count == 2)
    }

    @Test("members of a zip archive that share their octets are refused but for one")
    func overlapping() async throws {
        let folder = try TemporaryFolder()
        let path = try made(
            "overlap.zip", in: folder,
            """
            import struct, sys, zipfile
            with zipfile.ZipFile(sys.argv[1], "w") as archive: archive.writestr("a.eml", b"A: b\\n")
            data = open(sys.argv[1], "rb").read()
            end = data.rindex(b"PK\\5\\6")
            size, start = struct.unpack("<II", data[end + 12:end + 20])
            entry = data[start:start + size]
            more = entry + entry.replace(b"a.eml", b"b.eml")
            tail = b"PK\\5\\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(more), start, 0)
            open(sys.argv[1], "wb").write(data[:start] + more + tail)
            """)
        let store = try MemberStore.zip(path)
        #expect(try await everything(store, MailboxName("INBOX")).count == 1)
        #expect(try await store.census(of: MailboxName("INBOX")).uids.count == 2)
    }

    @Test("a message whose checksum is wrong is refused, and the others come")
    func checksum() async throws {
        var octets = try ImportSamples.octets("stored.zip")
        let mark = Array("body 42".utf8)
        let place = try #require(octets.indices.first { octets[$0...].starts(with: mark) })
        octets[place] ^= 1
        let folder = try TemporaryFolder()
        try Data(octets).write(to: URL(fileURLWithPath: folder.path + "/a.zip"))
        let store = try MemberStore.zip(folder.path + "/a.zip")
        let box = MailboxName("case/deep/er")
        let observation = try await store.observe(box, since: nil)
        guard case .full(let summaries) = observation.content else { return }
        let report = try await store.fetch(summaries, from: box, uidValidity: observation.status.uidValidity) {
            // As an ingest lane does: to the end.
            while try await $0.next() != nil {}
        }
        #expect(report.refused.values.map(\.reason) == [.unreadable])
        #expect(report.refused.values.first?.detail.contains("checksum") == true)
        #expect(store.place(of: summaries[0].uid, in: box)?.hasSuffix("case/deep/er/three.eml") == true)
    }
}

@Suite("Apple Mail and MH")
struct FileLayoutTests {
    @Test(
        "a mailbox of Apple Mail is what its folders ending in .mbox are called",
        arguments: [
            ("INBOX.mbox/F00D/Data/Messages", "Mail", "INBOX"),
            ("Work.mbox/Clients.mbox/F/Data/1/2/Messages", "V10", "Work/Clients"),
            ("ACCOUNT/Sent.mbox/F/Messages", "V10", "ACCOUNT/Sent"), ("F/Data/Messages", "Work.mbox", "Work"),
            ("Messages", "old", ""), ("", "old", ""), ("x/Messages", "old", "x"),
        ])
    func names(_ path: String, _ root: String, _ name: String) {
        let found = EmlxLayout().mailbox(ofFolder: Array(path.utf8), root: Array(root.utf8))
        #expect(String(decoding: found, as: UTF8.self) == name)
    }

    @Test(
        "what is not whole of Apple Mail's is refused with a reason",
        arguments: [
            ("1.partial.emlx", "3\nabc<plist/>", "partial"), ("2.emlx", "9\nabc", "shorter"),
            ("3.emlx", "abc\n", "count"),
            ("4.emlx", "", "count"), ("5.emlx", "99999999999999999999\nx", "count"), ("6.emlx", "-1\nx", "count"),
            ("7.emlx", "3", "count"),
        ])
    func broken(_ name: String, _ text: String, _ word: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write("A.mbox/Messages/\(name)", text)
        let store = try FileTreeStore(path: folder.path, EmlxLayout())
        let observation = try await store.observe(MailboxName("A"), since: nil)
        guard case .full(let summaries) = observation.content else { return }
        let report = try await store.fetch(
            summaries, from: MailboxName("A"), uidValidity: observation.status.uidValidity
        ) { _ in }
        #expect(report.delivered.isEmpty && report.refused.count == 1)
        let refusal = report.refused.values.first
        #expect(refusal?.reason == .unreadable && refusal?.detail.contains(word) == true, "\(refusal as Any)")
    }

    @Test(
        "a property list is read whatever it holds",
        arguments: [
            ("<dict><key>flags</key><integer>1</integer></dict>", [Flag.seen]),
            (
                "<dict><key>flags</key><integer>-1</integer></dict>",
                [
                    .answered, .deleted, .draft, .flagged, .seen, Flag("$Forwarded"), Flag("$Junk"), Flag("$NotJunk"),
                ]
            ),
            ("<dict><dict><key>flags</key><integer>1</integer></dict></dict>", []),
            ("<dict><key>flags</key><string>1</string><integer>x</integer>", []),
            ("<<<>>><dict><key>flags<integer>1", [.seen]),
            ("bplist00", []),
        ])
    func lists(_ text: String, _ flags: [Flag]) {
        #expect(EmlxList(Array(text.utf8)).flags == FlagSet(flags))
    }

    @Test("sequences of MH are read whatever they hold")
    func sequences() {
        let sequences = MHSequences(
            parsing: Array("unseen: 1-3 5\nflagged 4\nflagged: 4294967295 0 7-5 -\n 6\nreplied: 1-4294967295\n".utf8))
        #expect(sequences.flags(of: 2) == [.answered])
        #expect(sequences.flags(of: 4) == [.answered, .seen])
        #expect(sequences.flags(of: 6) == [.answered, .seen, .flagged])
        #expect(sequences.flags(of: .max) == [.answered, .seen, .flagged])
        #expect(MHSequences(parsing: [0x3A, 0x20, 0x31]).flags(of: 1) == [.seen])
    }

    @Test("a message of MH keeps its UID when its folder is packed")
    func packed() async throws {
        let folder = try TemporaryFolder()
        for number in 1...3 { try folder.write("inbox/\(number)", "Subject: \(number)\n\nbody\n") }
        let store = try FileTreeStore(path: folder.path, MHLayout())
        let before = try await store.census(of: MailboxName("INBOX")).uids
        try FileManager.default.removeItem(atPath: folder.path + "/inbox/1")
        try FileManager.default.moveItem(atPath: folder.path + "/inbox/2", toPath: folder.path + "/inbox/1")
        let after = try await store.census(of: MailboxName("INBOX")).uids
        #expect(after.count == 2 && after.subtracting(before).isEmpty)
    }
}

@Suite("Archives of mail")
struct MemberTests {
    @Test(
        "numbers of tar headers",
        arguments: [
            ("0000644\0", 420), ("     12 ", 10), ("", 0), ("9", nil), ("-1", nil), ("\u{0}\u{0}", 0),
        ])
    func octal(_ text: String, _ value: Int?) {
        #expect(TarHeader.number(Array(text.utf8)[...]) == value)
    }

    @Test("numbers of base 256 stay in their limits")
    func base256() {
        #expect(TarHeader.number([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]) == 256)
        #expect(TarHeader.number([0xFF] + [UInt8](repeating: 0xFF, count: 11)) == nil)
        #expect(TarHeader.number([0x80] + [UInt8](repeating: 0xFF, count: 11)) == nil)
    }

    @Test(
        "pax records",
        arguments: [
            ("18 path=a/b/c.eml\n", "a/b/c.eml", nil), ("12 size=123\n", nil, 123), ("12 size=-12\n", nil, nil),
            ("999 path=a\n", nil, nil), ("3 x", nil, nil), ("0 path=a\n", nil, nil),
            ("9 path=a\n12 size=123\n", "a", 123),
        ] as [(String, String?, Int?)])
    func pax(_ text: String, _ name: String?, _ size: Int?) {
        let found = TarExtension(Array(text.utf8))
        #expect(found.name.map { String(decoding: $0, as: UTF8.self) } == name)
        #expect(found.size == size)
    }

    @Test(
        "names of members are never paths",
        arguments: [
            ("../../etc/passwd", ["etc", "passwd"]), ("/abs/./x//y", ["abs", "x", "y"]), ("a\\..\\b", ["a", "b"]),
            ("..", []), ("a\u{0}b/c", ["a", "c"]),
        ])
    func names(_ name: String, _ parts: [String]) {
        #expect(MemberName.components(Array(name.utf8)).map { String(decoding: $0, as: UTF8.self) } == parts)
    }

    @Test("a window gives the same whatever pieces come", arguments: [1, 2, 3, 7, 100])
    func window(_ size: Int) throws {
        let octets = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let window = OctetWindow(Pieces(octets, size))
        #expect(try window.read(10, at: 500) == Array(octets[500..<510]))
        #expect(try window.read(10, at: 0) == Array(octets[..<10]))
        try window.forget(before: 400)
        #expect(try window.read(2_000, at: 990) == Array(octets[990...]))
        #expect(throws: FormatsError.self) { try window.read(1, at: 399) }
        #expect(throws: FormatsError.self) { try window.read(1, at: OctetWindow.lookahead + 400) }
        try window.forget(before: 1_000)
        #expect(try window.read(1, at: 1_000) == [])
        #expect(throws: FormatsError.self) { try window.forget(before: 1_001) }
    }

    private final class Pieces: OctetStream {
        private var rest: ArraySlice<UInt8>
        private let size: Int
        init(_ octets: [UInt8], _ size: Int) { (rest, self.size) = (octets[...], size) }
        func next() throws(FormatsError) -> [UInt8]? {
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(size) }
            return Array(rest.prefix(size))
        }
    }

    @Test(
        "labels of Gmail",
        arguments: [
            ("X-Gmail-Labels: Inbox,Opened\n", ["INBOX"], [Flag.seen]),
            ("x-gmail-labels: Unread,\"a, b\",Sent\n", ["a, b", "Sent"], []),
            ("X-Gmail-Labels: =?UTF-8?Q?Starred,=C3=9Cber_uns?=\n", ["Über uns"], [.flagged, .seen]),
            ("X-Gmail-Labels:\n", ["Archive"], [.seen]), ("", ["Archive"], [.seen]),
            (
                "X-Gmail-Labels: ///,a,a,Drafts,IMAP_x y,IMAP_$MDNSent\n", ["Archive", "a", "Drafts"],
                [
                    .draft, .seen, Flag("$MDNSent"),
                ]
            ),
            ("X-Gmail-Labels: a,\n b\nX: y\n c\n", ["a", "b"], [.seen]),
        ])
    func labels(_ header: String, _ names: [String], _ flags: [Flag]) {
        let labels = GmailLabels(header: Array(header.utf8))
        #expect(labels.mailboxes.map(\.name.text) == names)
        #expect(labels.flags == FlagSet(flags))
    }
}
