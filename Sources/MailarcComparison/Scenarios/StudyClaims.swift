/// A result the case study reports, as a question to what was seen.
public struct StudyClaim: Sendable {
    /// What is looked for once the events were followed.
    public enum Question: Sendable {
        /// This message is there (or is not).
        case archiveHas(String, in: String, Bool)
        case sourceHas(String, in: String, Bool)
        /// This message has the flag (or has not).
        case archiveFlag(String, of: String, in: String, Bool)
        case sourceFlag(String, of: String, in: String, Bool)
        /// Something is there more often than it should be (or nothing is).
        case duplicates(Bool)
    }

    public var column: StudyColumn
    public var scenario: String
    /// The study's words.
    public var text: String
    public var questions: [Question]

    init(_ column: StudyColumn, _ scenario: String, _ text: String, _ questions: Question...) {
        (self.column, self.scenario, self.text, self.questions) = (column, scenario, text, questions)
    }

    /// Whether what was seen agrees.
    func agrees(source: SeenAccount, archive: SeenAccount, hasDuplicates: Bool) -> Bool {
        func find(_ account: SeenAccount, _ tag: String, _ mailbox: String) -> SeenAccount.Message? {
            account.messages.first { $0.mailbox == mailbox && $0.tag == tag }
        }
        return questions.allSatisfy { question in
            switch question {
            case .archiveHas(let tag, let mailbox, let wanted): (find(archive, tag, mailbox) != nil) == wanted
            case .sourceHas(let tag, let mailbox, let wanted): (find(source, tag, mailbox) != nil) == wanted
            case .archiveFlag(let flag, let tag, let mailbox, let wanted):
                find(archive, tag, mailbox).map { $0.flags.contains(flag) == wanted } ?? false
            case .sourceFlag(let flag, let tag, let mailbox, let wanted):
                find(source, tag, mailbox).map { $0.flags.contains(flag) == wanted } ?? false
            case .duplicates(let wanted): hasDuplicates == wanted
            }
        }
    }

    /// The study's tables and sentences (2018), as far as they say what a run does.
    public static let all: [StudyClaim] = [
        // "All incoming and outgoing mail is archived"; "folders are NOT preserved"
        StudyClaim(
            .postfixBCC, "new-in-source", "incoming mail is archived", .archiveHas("N1", in: "INBOX", true)),
        StudyClaim(
            .postfixBCC, "create-mailbox", "folders are not preserved", .archiveHas("T", in: "Neu.Tief", false)),
        StudyClaim(
            .postfixBCC, "move-in-source", "folders are not preserved", .archiveHas("B", in: "Work", false)),
        // "Source and destination exactly look the same. Changes in the destination are overwritten."
        StudyClaim(
            .doveadmBackup, "new-in-source", "the destination looks like the source",
            .archiveHas("N1", in: "INBOX", true)),
        StudyClaim(
            .doveadmBackup, "expunge-in-source", "the destination looks like the source",
            .archiveHas("B", in: "INBOX", false)),
        StudyClaim(
            .doveadmBackup, "expunge-in-archive", "changes in the destination are overwritten",
            .archiveHas("B", in: "INBOX", true), .archiveHas("A", in: "INBOX", true)),
        StudyClaim(
            .doveadmBackup, "new-in-archive", "changes in the destination are overwritten",
            .archiveHas("Q", in: "INBOX", false), .archiveHas("A", in: "INBOX", true)),
        StudyClaim(
            .doveadmBackup, "flags-in-archive", "changes in the destination are overwritten",
            .archiveFlag("\\Flagged", of: "B", in: "INBOX", false)),
        // "You can make changes on both sides"; "also syncs metadata/flags (read flag, deleted flag, ...)"
        StudyClaim(
            .doveadmTwoWay, "expunge-in-source", "changes on both sides are followed",
            .archiveHas("B", in: "INBOX", false), .sourceHas("B", in: "INBOX", false)),
        StudyClaim(
            .doveadmTwoWay, "expunge-in-archive", "changes on both sides are followed",
            .sourceHas("B", in: "INBOX", false)),
        StudyClaim(
            .doveadmTwoWay, "new-in-archive", "mail received at the destination comes to the source",
            .sourceHas("Q", in: "INBOX", true)),
        StudyClaim(
            .doveadmTwoWay, "flags-in-source", "flags are synced, too",
            .archiveFlag("\\Flagged", of: "B", in: "INBOX", true)),
        StudyClaim(
            .doveadmTwoWay, "flags-in-archive", "flags are synced, too",
            .sourceFlag("\\Flagged", of: "B", in: "INBOX", true)),
        StudyClaim(
            .doveadmTwoWay, "deleted-flag-in-source", "flags are synced, too (deleted flag)",
            .archiveFlag("\\Deleted", of: "B", in: "INBOX", true)),
        // The table of doveadm sync -1.
        StudyClaim(
            .doveadmOneWay, "new-in-source", "new mail is synced to the archive", .archiveHas("N1", in: "INBOX", true)),
        StudyClaim(
            .doveadmOneWay, "expunge-in-source", "mail is not deleted in the archive",
            .archiveHas("B", in: "INBOX", true)),
        StudyClaim(
            .doveadmOneWay, "expunge-in-archive", "mail stays deleted in the archive",
            .archiveHas("B", in: "INBOX", false)),
        StudyClaim(
            .doveadmOneWay, "flags-in-source", "change is not synced to the archive",
            .archiveFlag("\\Flagged", of: "B", in: "INBOX", false)),
        StudyClaim(
            .doveadmOneWay, "flags-in-archive", "change is not synced to the source",
            .sourceFlag("\\Flagged", of: "B", in: "INBOX", false)),
        StudyClaim(
            .doveadmOneWay, "new-in-both", "doveadm gets confused, new mails from the source are duplicated",
            .duplicates(true)),
        // The table of imapsync.
        StudyClaim(
            .imapsync, "new-in-source", "new mail is synced to the archive", .archiveHas("N1", in: "INBOX", true)),
        StudyClaim(
            .imapsync, "expunge-in-source", "mail is deleted in the archive", .archiveHas("B", in: "INBOX", false)),
        StudyClaim(
            .imapsync, "deleted-flag-in-source", "the delete flag is copied",
            .archiveFlag("\\Deleted", of: "B", in: "INBOX", true)),
        StudyClaim(
            .imapsync, "expunge-in-archive", "mail is recreated in the archive", .archiveHas("B", in: "INBOX", true)),
        StudyClaim(
            .imapsync, "flags-in-source", "change is synced to the archive",
            .archiveFlag("\\Flagged", of: "B", in: "INBOX", true)),
        StudyClaim(
            .imapsync, "flags-in-archive", "change is taken back in the archive",
            .archiveFlag("\\Flagged", of: "B", in: "INBOX", false)),
        StudyClaim(.imapsync, "new-in-both", "no change, no problems", .duplicates(false)),
        StudyClaim(.imapsync, "bcc", "mail from Postfix in the archive: no problems", .duplicates(false)),
    ]
}
