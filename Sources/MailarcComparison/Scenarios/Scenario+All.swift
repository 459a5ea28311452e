extension Scenario {
    /// Every scenario, in the order of the tables. A new one is a line here.
    public static let all: [Scenario] = [
        Scenario("nothing", "nothing happens"),
        Scenario("new-in-source", "a new message in the source", source: [.append("N1", to: "INBOX")]),
        Scenario("expunge-in-source", "a message is expunged in the source", source: [.expunge("B", in: "INBOX")]),
        Scenario(
            "expunge-newest", "the newest message is expunged in the source", source: [.expunge("E", in: "INBOX")]),
        Scenario(
            "deleted-flag-in-source", "a message is marked \\Deleted in the source",
            source: [.flags(["\\Deleted"], of: "B", in: "INBOX")]),
        Scenario(
            "flags-in-source", "flags change in the source",
            source: [.flags(["\\Flagged", "\\Seen"], of: "B", in: "INBOX"), .flags([], of: "C", in: "INBOX")]),
        Scenario(
            "keyword-in-source", "a keyword is set in the source",
            source: [.flags(["$Forwarded"], of: "B", in: "INBOX")]),
        Scenario("new-in-archive", "a new message in the archive", archive: [.append("Q", to: "INBOX")]),
        Scenario("new-in-archive-mailbox", "the same, not in INBOX", archive: [.append("Q", to: "Work")]),
        Scenario("expunge-in-archive", "a message is expunged in the archive", archive: [.expunge("B", in: "INBOX")]),
        Scenario("expunge-in-archive-mailbox", "the same, not in INBOX", archive: [.expunge("F", in: "Work")]),
        Scenario(
            "flags-in-archive", "flags change in the archive",
            archive: [.flags(["\\Flagged", "\\Seen"], of: "B", in: "INBOX"), .flags([], of: "C", in: "INBOX")]),
        Scenario(
            "flags-in-both", "different flags are set in both",
            source: [.flags(["\\Flagged"], of: "B", in: "INBOX")],
            archive: [.flags(["\\Answered"], of: "B", in: "INBOX")]),
        Scenario(
            "new-in-both", "new messages in both, another one in each",
            source: [.append("N1", to: "INBOX")], archive: [.append("Q", to: "INBOX")]),
        Scenario(
            "same-in-both", "the same message is put into both", source: [.append("P", to: "INBOX")],
            archive: [.append("P", to: "INBOX")]),
        Scenario(
            "bcc", "Postfix brings the same message to both, by another way",
            source: [.append("P*", to: "INBOX")], archive: [.append("P", to: "INBOX")]),
        Scenario(
            "bcc-after-own", "the same beside a message only the archive has",
            source: [.append("P*", to: "INBOX")], archive: [.append("Q", to: "INBOX"), .append("P", to: "INBOX")]),
        Scenario(
            "move-in-source", "a message is moved in the source", source: [.move("B", from: "INBOX", to: "Work")]),
        Scenario(
            "create-mailbox", "mailboxes are made in the source, an empty one, too",
            source: [.create("Leer"), .append("T", to: "Neu.Tief")]),
        Scenario("rename-mailbox", "a mailbox is renamed in the source", source: [.rename("Work", to: "Alt")]),
        Scenario("delete-mailbox", "a mailbox is deleted in the source", source: [.delete(umlauts)]),
        Scenario(
            "expunge-in-both", "a message is expunged in both", source: [.expunge("B", in: "INBOX")],
            archive: [.expunge("B", in: "INBOX")]),
        Scenario(
            "expunge-in-source-flags-in-archive", "a message is expunged in the source and flagged in the archive",
            source: [.expunge("B", in: "INBOX")], archive: [.flags(["\\Flagged"], of: "B", in: "INBOX")]),
        Scenario(
            "flags-in-source-expunge-in-archive", "a message is flagged in the source and expunged in the archive",
            source: [.flags(["\\Flagged"], of: "B", in: "INBOX")], archive: [.expunge("B", in: "INBOX")]),
        Scenario(
            "move-in-archive", "a message is moved in the archive", archive: [.move("B", from: "INBOX", to: "Work")]),
        Scenario("create-mailbox-in-archive", "a mailbox is made in the archive", archive: [.create("Eigen")]),
        Scenario(
            "rename-mailbox-in-archive", "a mailbox is renamed in the archive", archive: [.rename("Work", to: "Alt")]),
        Scenario(
            "rename-mailbox-in-both", "a mailbox is renamed in both, to another name in each",
            source: [.rename("Work", to: "Alt")], archive: [.rename("Work", to: "Akten")]),
        Scenario("delete-mailbox-in-archive", "a mailbox is deleted in the archive", archive: [.delete(umlauts)]),
        Scenario("uidvalidity", "the source's UIDVALIDITY changes", source: [.resetUIDValidity]),
        Scenario("uidvalidity-in-archive", "the archive's UIDVALIDITY changes", archive: [.resetUIDValidity]),
        Scenario(
            "duplicates", "the same message twice in the source",
            source: [.append("N1", to: "INBOX"), .append("N1", to: "INBOX")]),
        Scenario(
            "no-message-id", "a message without Message-ID and Received", source: [.append("-N", to: "INBOX")]),
        Scenario(
            "same-message-id", "two messages with one Message-ID",
            source: [.append("R", to: "INBOX"), .append("R'", to: "INBOX")]),
        Scenario(
            "draft-replaced", "a draft is replaced by one with its Message-ID and another body",
            source: [.expunge("D", in: "INBOX"), .append("D'", to: "INBOX", flags: ["\\Draft"])]),
        Scenario(
            "refused", "the archive's server refuses large messages, and others come before and after",
            source: [
                .append("N1", to: "INBOX"), .append("L1#", to: "INBOX"), .append("N2", to: "INBOX"),
                .append("L2#", to: "Work"), .append("N3", to: "Work"),
            ], refusesLarge: true),
        Scenario(
            "cannot-open", "a message comes into a mailbox that the source's server cannot open in one run",
            source: [.append("N1", to: "Work")], fault: .cannotOpen("Work")),
        Scenario(
            "expunged-in-run", "large messages come, and one is expunged in the source while they are copied",
            source: large, fault: .isExpunged("L7#", in: "Work", octets: faultAfter)),
        Scenario(
            "connections-end", "large messages come, and the line to the source breaks in the run",
            source: large, fault: .connectionsEnd(octets: faultAfter)),
        Scenario(
            "killed", "large messages come, and the contender is killed in the run", source: large,
            fault: .isKilled(octets: faultAfter)),
    ]

    /// Twelve messages of some 40 KB, and where a run is in their midst.
    private static let large: [Step] = (1...12).map { .append("L\($0)#", to: $0 % 2 == 0 ? "INBOX" : "Work") }
    private static let faultAfter = 250_000
}
