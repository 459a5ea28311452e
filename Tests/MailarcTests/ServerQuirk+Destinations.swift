import MailarcTesting

extension ServerQuirk {
    /// Servers that are written to.
    static let destinations = [refusals, mailboxes, interruptions].flatMap { $0 }

    private static let all = Set((1...6).map { "INBOX \($0)" } + (1...4).map { "Work \($0)" })
    private static let work = Set((1...4).map { "Work \($0)" })

    private static let large = "INBOX large" + String(repeating: ".", count: 500)

    // MARK: Messages and flags

    private static let refusals: [ServerQuirk] = [
        ServerQuirk("a mailbox is read-only") {
            $0.quirks.readOnlyMailboxes = ["INBOX"]
        } _: {
            ($0.codes, $0.words) = ([3], ["QUARANTINED", "no-permission"])
            $0.held = Set((1...6).map { "INBOX \($0)" } + ["INBOX new"])
        },
        ServerQuirk("no keywords can be set") {
            $0.permanentFlags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft"
        } _: {
            $0.keepsKeywords = false
        },
        ServerQuirk("keywords are refused, against PERMANENTFLAGS") {
            $0.quirks.refusesKeywords = true
        } _: {
            ($0.keepsKeywords, $0.words) = (false, ["NOTE", "without $Label"])
        },
        ServerQuirk("the last line must have an end") {
            $0.quirks.wantsFinalLineEnd = true
        } _: {
            $0.origin = { model in
                model.change("INBOX") { $0.append(Array(message("INBOX open").dropLast(2))) }
            }
            ($0.words, $0.altered) = (["NOTE", "line end"], ["INBOX open"])
        },
        ServerQuirk("the quota is used up") {
            $0.quota = 0
        } _: {
            ($0.codes, $0.words, $0.held) = ([3], ["QUARANTINED", "over-quota"], all.union(["INBOX new"]))
        },
        ServerQuirk("APPENDLIMIT", modern + ["APPENDLIMIT=400"]) { _ in
        } _: {
            $0.origin = { model in
                model.change("INBOX") { $0.append(message(large)) }
            }
            ($0.codes, $0.words) = ([3], ["QUARANTINED", "too-big"])
            $0.held = [large]
        },
        ServerQuirk("NUL is refused") { _ in
        } _: {
            $0.origin = { model in model.change("INBOX") { $0.append(message("INBOX nul") + [0, 13, 10]) } }
            ($0.codes, $0.words, $0.held) = ([3], ["QUARANTINED", "nul-octets"], ["INBOX nul"])
            $0.heldForGood = ["INBOX nul"]
        },
        ServerQuirk("one message is refused") {
            $0.faults.refusedText = "INBOX 3"
        } _: {
            ($0.codes, $0.words, $0.held) = ([3], ["QUARANTINED", "server-refused", "not this one"], ["INBOX 3"])
        },
        ServerQuirk("one message is refused, by [LIMIT]") {
            ($0.faults.refusedText, $0.faults.refusal) = ("INBOX 3", "NO [LIMIT] Mail size is larger than allowed")
        } _: {
            ($0.codes, $0.words, $0.held) = ([3], ["QUARANTINED", "server-refused", "larger"], ["INBOX 3"])
        },
        ServerQuirk("one message is refused, by [SERVERBUG]") {
            ($0.faults.refusedText, $0.faults.refusal) = ("INBOX 3", "NO [SERVERBUG] Internal error occurred")
        } _: {
            ($0.codes, $0.words, $0.held) = ([3], ["QUARANTINED", "server-refused", "Internal"], ["INBOX 3"])
        },
        ServerQuirk("neither UIDPLUS nor anything else", ["IMAP4rev1"]) { _ in
        } _: {
            $0.keepsGone = true
            $0.isRestless = true
        },
    ]

    // MARK: Mailboxes

    private static let mailboxes: [ServerQuirk] = [
        ServerQuirk("CREATE is refused") {
            $0.quirks.createRefusal = "NO [LIMIT] too many mailboxes"
        } _: {
            ($0.codes, $0.words, $0.held) = ([18], ["Work", "too many mailboxes"], work)
        },
        ServerQuirk("names begin with INBOX.") { model in
            (model.quirks.createPrefix, model.namespaces) = ("INBOX.", "((\"INBOX.\" \".\")) NIL NIL")
            model.mailboxes[0].delimiter = "."
        },
        ServerQuirk("names begin with INBOX., and no NAMESPACE says so", old) { model in
            model.quirks.createPrefix = "INBOX."
            model.mailboxes[0].delimiter = "."
        } _: {
            ($0.codes, $0.words, $0.held) = ([18], ["FAILED Work", "prefixed with: INBOX."], work)
        },
        ServerQuirk("the delimiter is a backslash") { model in
            model.namespaces = "((\"\" \"\\\\\")) NIL NIL"
            model.mailboxes[0].delimiter = "\\"
        } _: {
            $0.origin = { $0.mailboxes[1].name = "Work/Sub" }
        },
        ServerQuirk("there is no delimiter") { model in
            model.namespaces = "((\"\" NIL)) NIL NIL"
            model.mailboxes[0].delimiter = nil
        } _: {
            $0.origin = { $0.mailboxes[1].name = "Work/Sub" }
        },
        ServerQuirk("UIDNEXT is missing") { $0.quirks.omitsUIDNext = true },
        ServerQuirk("UIDVALIDITY is 0") {
            $0.quirks.uidValidity = .zero
        } _: {
            ($0.keepsGone, $0.keepsFlags) = (true, true)
        },
        ServerQuirk("UIDVALIDITY is another one at each SELECT") {
            $0.quirks.uidValidity = .changing
        } _: {
            ($0.keepsGone, $0.keepsFlags) = (true, true)
        },
    ]

    // MARK: Interruptions

    private static let interruptions: [ServerQuirk] = [
        ServerQuirk("[THROTTLED] at APPEND, once") { $0.faults.denials["APPEND"] = ("NO [THROTTLED] slow down", 1) },
        ServerQuirk("Suggested Backoff Time at APPEND") {
            $0.faults.denials["APPEND"] = ("NO Request is throttled. Suggested Backoff Time: 120 milliseconds", 2)
        },
        ServerQuirk("BYE in place of the answer to APPEND") {
            $0.quirks.farewells = ["APPEND": ("see you", 1)]
        } _: {
            ($0.codes, $0.laterCodes, $0.words) = ([18], [0], ["BROKE OFF", "see you"])
        },
        ServerQuirk("the connection breaks behind a message taken") {
            $0.faults.breakBehindAppends = (2, 1)
        } _: {
            ($0.codes, $0.laterCodes, $0.words) = ([18], [0], ["BROKE OFF"])
        },
        ServerQuirk("the connection breaks in a literal sent") {
            $0.faults.breakInLiteral = (100, 1)
        } _: {
            ($0.codes, $0.laterCodes, $0.words) = ([18], [0], ["BROKE OFF"])
        },
        ServerQuirk("pipelining is refused") { $0.faults.refusesPipelining = true },
        ServerQuirk("one connection only") {
            $0.quirks.connectionLimit = (1, .answer("NO [LIMIT] Maximum number of connections from user+IP exceeded"))
        },
    ]
}
