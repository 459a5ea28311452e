import MailPOP3
import Testing

@Suite("POP3 answers") struct ListingTests {
    struct ReplyCase: CustomTestStringConvertible, Sendable {
        let line: String
        let reply: POP3Reply?
        var isTemporary = false
        var testDescription: String { line.debugDescription }
    }

    @Test(
        "a status line is an indicator, perhaps a code, and words",
        arguments: [
            ReplyCase(line: "+OK", reply: POP3Reply(.ok)), ReplyCase(line: "+ok done", reply: POP3Reply(.ok, "done")),
            ReplyCase(
                line: "-ERR [IN-USE] Do you have another session?",
                reply: POP3Reply(.error, code: "IN-USE", "Do you have another session?"), isTemporary: true),
            ReplyCase(
                line: "-ERR [sys/temp] later", reply: POP3Reply(.error, code: "SYS/TEMP", "later"), isTemporary: true),
            ReplyCase(line: "-ERR [LOGIN-DELAY]", reply: POP3Reply(.error, code: "LOGIN-DELAY"), isTemporary: true),
            ReplyCase(line: "-ERR [SYS/PERM] no", reply: POP3Reply(.error, code: "SYS/PERM", "no")),
            ReplyCase(line: "-ERR [AUTH] no", reply: POP3Reply(.error, code: "AUTH", "no")),
            ReplyCase(line: "-ERR [open", reply: POP3Reply(.error, "[open")),
            ReplyCase(line: "+ bm9uY2U=", reply: POP3Reply(.continuation, "bm9uY2U=")),
            ReplyCase(line: "+", reply: POP3Reply(.continuation)), ReplyCase(line: "+OKAY", reply: nil),
            ReplyCase(line: "", reply: nil), ReplyCase(line: "* OK IMAP4rev1", reply: nil),
            ReplyCase(line: "Subject: +OK", reply: nil),
            ReplyCase(line: "+OK a\u{7}\u{1B}b", reply: POP3Reply(.ok, "a  b")),
        ])
    func replies(_ item: ReplyCase) {
        #expect(POP3Reply(parsing: Array(item.line.utf8)) == item.reply)
        #expect(item.reply?.isTemporary ?? false == item.isTemporary)
    }

    private func lines(_ text: String...) -> [[UInt8]] { text.map { Array($0.utf8) } }

    @Test("capabilities are keywords with arguments, whatever their case")
    func capabilities() {
        let found = POP3Capabilities(
            parsing: lines(
                "TOP", "uidl", "PIPELINING", "SASL plain SCRAM-SHA-256", "EXPIRE 0 USER", "IMPLEMENTATION Old Pop 1.2",
                ""))
        #expect(found.contains("UIDL") && found.hasPipelining && found.deletesWhatWasRead)
        #expect(found.hasMechanism("PLAIN") && found.hasMechanism("SCRAM-SHA-256") && !found.hasMechanism("LOGIN"))
        #expect(found.implementation == "Old Pop 1.2" && found.lines.count == 6)
        #expect(!POP3Capabilities(parsing: lines("EXPIRE NEVER")).deletesWhatWasRead)
    }

    @Test("a unique-id that two messages have identifies none, and none is none")
    func repeated() throws {
        let listing = try MaildropListing(
            count: 5, sizes: lines("1 10", "2 20", "3 30", "4 x", "5 50"),
            uniqueIDs: lines("1 a", "2 b", "3 b", "4", "9 z"))
        #expect(listing.entries.map(\.number) == [1, 2, 3, 4, 5])
        #expect(
            listing.entries.map { $0.uniqueID.map { String(decoding: $0, as: UTF8.self) } } == [
                "a", nil, nil, nil, nil,
            ])
        #expect(listing.entries.map(\.octetCount) == [10, 20, 30, 0, 50])
        #expect(listing.repeatedCount == 2 && listing.isComplete && listing.hasUniqueIDs)
        let poor = try MaildropListing(count: 3, sizes: lines("1 10", "2 20"), uniqueIDs: nil)
        #expect(!poor.hasUniqueIDs && !poor.isComplete)
        #expect(throws: POP3ProtocolError.self) { try MaildropListing(count: 1, sizes: lines("0 10"), uniqueIDs: nil) }
        #expect(throws: POP3ProtocolError.self) { try MaildropListing(count: 1, sizes: lines("x"), uniqueIDs: nil) }
    }
}
