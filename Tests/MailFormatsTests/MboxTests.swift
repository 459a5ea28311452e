import Foundation
import MailCore
import MailFormats
import Testing

struct MboxTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var text: String
        var messages: [String]
        var dialect = MboxDialect.mboxo
        var testDescription: String { name }
    }
    private static let from = "From a@b Thu Nov 20 10:00:00 2003\n"

    static let cases: [Case] = [
        Case(name: "empty", text: "", messages: []),
        Case(name: "one", text: from + "A: b\n\nx\n\n", messages: ["A: b\n\nx\n"]),
        Case(name: "no last line end", text: from + "A: b\n\nx", messages: ["A: b\n\nx"]),
        Case(
            name: "two", text: from + "A: b\n\nx\n\n" + from + "A: c\n\ny\n\n",
            messages: ["A: b\n\nx\n", "A: c\n\ny\n"]),
        Case(
            name: "CRLF", text: (from + "A: b\n\nx\n\n" + from + "A: c\n\ny\n\n").replacing("\n", with: "\r\n"),
            messages: ["A: b\r\n\r\nx\r\n", "A: c\r\n\r\ny\r\n"]),
        Case(
            name: "a sentence that starts with From is no message", text: from + "A: b\n\nx\n\nFrom now on\n\n",
            messages: ["A: b\n\nx\n\nFrom now on\n"]),
        Case(
            name: "mboxrd", text: from + "A: b\n\n>From x\n>>From y\n\n", messages: ["A: b\n\n>From x\n>>From y\n"],
            dialect: .mboxrd),
        Case(
            name: "mboxcl2",
            text: from + "Content-Length: \(from.utf8.count + 1)\n\n\n" + from + "\n" + from + "A: c\n\ny\n",
            messages: ["Content-Length: \(from.utf8.count + 1)\n\n\n" + from, "A: c\n\ny\n"], dialect: .mboxcl2),
        Case(
            name: "a wrong Content-Length is not believed",
            text: from + "Content-Length: 3\n\nlonger\n\n" + from + "A: c\n\ny\n",
            messages: ["Content-Length: 3\n\nlonger\n", "A: c\n\ny\n"]),
    ]

    @Test("an mbox splits into messages", arguments: cases)
    func splits(_ example: Case) throws {
        let folder = try TemporaryFolder()
        try folder.write("box", example.text)
        let reader = try MboxReader(path: folder.path + "/box")
        let found = try reader.entries.map { String(decoding: try reader.octets(of: $0), as: UTF8.self) }
        #expect(found == example.messages)
        #expect(reader.dialect == example.dialect)
        #expect(reader.entries.allSatisfy { $0.date == 1_069_322_400 })
    }

    @Test("flags come from the client's fields, and the octets stay")
    func flags() async throws {
        let folder = try TemporaryFolder()
        let message = "Status: RO\nX-Status: AF\nX-Keywords: work home\n\nx\n"
        try folder.write("tree.sbd/box", Self.from + message + "\n")
        let store = try MboxStore(path: folder.path)
        let name = MailboxName("tree/box")
        #expect(try await store.mailboxes().listings.map(\.name) == [name])
        let found = try await everything(store, name)
        #expect(found.map(\.octets) == [Array(message.utf8)])
        #expect(found.first?.summary.flags == [.seen, .answered, .flagged, Flag("work"), Flag("home")])
        #expect(found.first?.summary.internalDate?.secondsSinceEpoch == 1_069_322_400)
    }

    @Test("UIDs stay when another message goes and when flags change")
    func uids() async throws {
        let folder = try TemporaryFolder()
        func text(_ name: String, _ status: String) -> String { Self.from + "Subject: \(name)\n\(status)\nx\n\n" }
        try folder.write("box", text("1", "") + text("2", "") + text("3", ""))
        let store = try MboxStore(path: folder.path + "/box")
        let before = try await everything(store, MailboxName("box"))
        try folder.write("box", text("1", "") + text("3", "Status: R\n"))
        let after = try await everything(store, MailboxName("box"))
        #expect(before.count == 3 && after.count == 2)
        #expect(Set(after.map(\.summary.uid)).isSubset(of: Set(before.map(\.summary.uid))))
    }

    @Test("what is written is read after unquoting, whatever the pieces", arguments: [1, 3, 1_000])
    func roundTrip(_ size: Int) async throws {
        let folder = try TemporaryFolder()
        let messages = [
            "A: b\n\nFrom x\n>From y\n>>From z\n>Fro\nFro\n\n\n", "A: b\n\nbody\n", "\n", "A: b\r\n\r\nFrom \r\n",
            "From in the first line\n\n>",
        ].map { Array($0.utf8) }
        let writer = try MboxWriter(path: folder.path + "/out")
        for message in messages {
            var rest = message[...]
            try writer.append(sender: "a b", internalDate: InternalDate(secondsSinceEpoch: 951_782_400)) {
                () throws(FormatsError) in
                guard !rest.isEmpty else { return nil }
                defer { rest = rest.dropFirst(size) }
                return Array(rest.prefix(size))
            }
        }
        try writer.finish()
        let store = try MboxStore(path: folder.path + "/out", unquotes: true)
        let reader = try MboxReader(path: folder.path + "/out")
        let found = try reader.entries.map { try reader.octets(of: $0, unquotes: true) }
        let expected = messages.map { $0.last == 0x0A ? $0 : $0 + [0x0A] }
        #expect(found == expected)
        #expect(reader.entries.allSatisfy { $0.date == 951_782_400 })
        let written = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/out"))
        #expect(MboxFromLine(parsing: written.prefix { $0 != 0x0A })?.sender == "ab")
        let streamed = try await everything(store, MailboxName("out"))
        #expect(Set(streamed.map(\.octets)) == Set(expected))
    }

    @Test("mimekit's messages are found where it finds them", arguments: ["content-length", "issue1189"])
    func mimekit(_ stem: String) throws {
        guard let folder = Corpora.url("mimekit/UnitTests/TestData/mbox") else { return }
        let json = try Data(contentsOf: folder.appendingPathComponent("\(stem).unix-offsets.json"))
        let expected =
            (try JSONSerialization.jsonObject(with: json) as? [[String: Any]])?.compactMap {
                $0["mboxMarkerOffset"] as? Int
            } ?? []
        let original = try Data(contentsOf: folder.appendingPathComponent("\(stem).mbox.txt"))
        let temporary = try TemporaryFolder()
        try Data(original.filter { $0 != 0x0D }).write(to: URL(fileURLWithPath: temporary.path + "/box"))
        let reader = try MboxReader(path: temporary.path + "/box")
        let found = reader.entries.map(\.markerOffset)
        print("mimekit \(stem): \(found.count) messages, \(expected.count) expected, \(reader.dialect)")
        if found != expected { print("  \(found) not \(expected)") }
        #expect(Set(found).intersection(expected).count * 10 >= expected.count * 9)
    }

    @Test("every mbox of the corpora is covered by its messages, From_ lines and empty lines")
    func corpora() throws {
        guard let root = Corpora.url("") else { return }
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        var count = 0
        var boxes = 0
        while let file = walk?.nextObject() as? URL {
            guard let data = try? Data(contentsOf: file), data.starts(with: Data("From ".utf8)) else { continue }
            let octets = [UInt8](data)
            let reader = try MboxReader(path: file.path)
            boxes += 1
            count += reader.entries.count
            var end = 0
            for entry in reader.entries {
                #expect(octets[end..<entry.markerOffset].allSatisfy { $0 == 0x0A || $0 == 0x0D }, "\(file.path)")
                #expect(entry.markerOffset - end <= 2)
                let marker = octets[entry.markerOffset..<entry.range.lowerBound]
                #expect(marker.count { $0 == 0x0A } <= 1)
                end = entry.range.upperBound
            }
            #expect(octets.count - end <= 2, "\(file.path)")
        }
        print("mbox: \(boxes) files, \(count) messages")
        #expect(boxes > 50)
    }

    @Test("a directory of eml files is read and written")
    func eml() async throws {
        let folder = try TemporaryFolder()
        let writer = try EMLWriter(path: folder.path)
        var pieces: [[UInt8]] = [[65], [66]]
        try writer.write("one", internalDate: InternalDate(secondsSinceEpoch: 5)) { () throws(FormatsError) in
            pieces.isEmpty ? nil : pieces.removeFirst()
        }
        for name in ["../x", "", ".x", "a/b", "a\0b", String(repeating: "x", count: 300)] {
            #expect(throws: FormatsError.self) {
                try writer.write(name, internalDate: nil) { () throws(FormatsError) in nil }
            }
        }
        try folder.write("sub/two.EML", "C")
        let store = try EMLStore(path: folder.path)
        #expect(try await store.mailboxes().listings.map(\.name) == [MailboxName("INBOX"), MailboxName("sub")])
        let found = try await everything(store, MailboxName("INBOX"))
        #expect(found.map(\.octets) == [[65, 66]] && found.first?.summary.internalDate?.secondsSinceEpoch == 5)
    }
}

@Suite("Trees of mbox files")
struct MboxTreeTests {
    @Test("a file that is empty or cannot be read makes the listing incomplete, so that nothing counts as gone")
    func incompleteListing() async throws {
        let folder = try TemporaryFolder()
        try folder.write("mail", "From a@example.org Mon Jan  1 00:00:00 2024\nSubject: one\n\nbody\n")
        try folder.write("notes", "no mail")
        let store = try MboxStore(path: folder.path)
        #expect(try await store.mailboxes().isComplete)
        try folder.write("emptied", "")
        let found = try await store.mailboxes()
        #expect(!found.isComplete && found.listings.map(\.name.text) == ["mail"])
    }
}
