import MailarcTesting
import Testing

extension ServerQuirk {
    /// Servers that are read from.
    static let sources = [validity, counters, listings, bodies, commands, names, connections].flatMap { $0 }

    private static let all = Set((1...6).map { "INBOX \($0)" } + (1...4).map { "Work \($0)" })
    private static func numbered(_ uid: Int) -> Set<String> { ["INBOX \(uid)", "Work \(uid)"] }

    // MARK: UIDVALIDITY

    private static let validity: [ServerQuirk] = [
        ServerQuirk("UIDVALIDITY is another one at each SELECT") {
            $0.quirks.uidValidity = .changing
        } _: {
            ($0.keepsGone, $0.keepsFlags) = (true, true)
        },
        ServerQuirk("UIDVALIDITY is 0") {
            $0.quirks.uidValidity = .zero
        } _: {
            ($0.keepsGone, $0.keepsFlags) = (true, true)
        },
        ServerQuirk("UIDVALIDITY is missing") {
            $0.quirks.uidValidity = .missing
        } _: {
            ($0.keepsGone, $0.keepsFlags) = (true, true)
        },
        ServerQuirk("EXAMINE has another UIDVALIDITY than SELECT", old) {
            ($0.faults.falseExamine, $0.greeting) = (true, "Courier-IMAP ready.")
        },
        ServerQuirk("EXAMINE has another UIDVALIDITY than SELECT, and no name tells", old) {
            $0.faults.falseExamine = true
        },
    ]

    // MARK: Counters

    private static let counters: [ServerQuirk] = [
        ServerQuirk("UIDNEXT is missing") { $0.quirks.omitsUIDNext = true },
        ServerQuirk("a STATUS line is missing in LIST") { $0.faults.omittedStatus = ["INBOX"] },
        ServerQuirk("HIGHESTMODSEQ is 0") { $0.faults.highestModSeq = "0" },
        ServerQuirk("HIGHESTMODSEQ is -1") { $0.faults.highestModSeq = "-1" },
        ServerQuirk("NOMODSEQ, though CONDSTORE is offered") { $0.faults.highestModSeq = "" },
        ServerQuirk("HIGHESTMODSEQ is missing") { $0.quirks.omitsHighestModSeq = true },
        ServerQuirk.later("HIGHESTMODSEQ goes down") { $0.faults.highestModSeq = "1" },
        ServerQuirk("MODSEQ is missing in FETCH", condStore) { $0.quirks.omitsModSeq = true },
        ServerQuirk("MODSEQ in FETCH is BAD", condStore) { $0.quirks.refusesModSeq = true },
        ServerQuirk("ENABLE is not confirmed") { $0.faults.enableIsSilent = true },
        ServerQuirk.later("VANISHED names messages that are there") {
            $0.faults.falseVanished = "1:26183"
        } _: {
            $0.keepsGone = false
        },
        ServerQuirk.later("VANISHED names another message") { $0.faults.falseVanished = "5" },
        ServerQuirk("SEARCH KEYWORD is BAD", extendedSearch) { $0.quirks.refusesKeywordSearch = true },
        ServerQuirk("searches are answered together") { $0.faults.interleavesSearches = true },
    ]

    // MARK: Listings

    private static let listings: [ServerQuirk] = [
        ServerQuirk("LIST lines come twice") { $0.quirks.repeatsListings = true },
        ServerQuirk("a message limit (RFC 9738)") { $0.messageLimit = 2 },
        ServerQuirk("only the newest messages are shown") {
            $0.quirks.newestShown = 4
        } _: {
            ($0.codes, $0.held, $0.words) = ([18, 3], ["INBOX 1", "INBOX 2"], ["is not shown whole"])
            $0.keepsGone = true
        },
        ServerQuirk.later("only the newest messages are shown, from one day on") {
            $0.quirks.newestShown = 3
        } _: {
            // What left is told by VANISHED, and where that is all that changed nothing is hidden.
            ($0.codes, $0.keepsGoneThere) = ([0, 18, 3], true)
        },
        ServerQuirk.later("LIST ends with NO in the middle") {
            $0.quirks.listFailsBehind = 1
        } _: {
            $0.codes = [18, 3]
        },
        ServerQuirk.later("LIST fails") {
            $0.faults.denials["LIST"] = ("NO broken mountpoint", 99)
        } _: {
            ($0.codes, $0.keepsGone, $0.keepsFlags) = ([8, 18], true, true)
            $0.held = ["INBOX new", "from B"]
        },
        ServerQuirk("a mailbox cannot be opened") {
            $0.quirks.closedMailboxes = ["Work"]
        } _: {
            ($0.codes, $0.words) = ([18, 3], ["FAILED Work"])
            $0.held = ["Work 1", "Work 2", "Work 3", "Work 4"]
        },
        ServerQuirk.later("a mailbox cannot be opened any more") {
            $0.quirks.closedMailboxes = ["Work"]
        } _: {
            $0.codes = [18, 3]
        },
        ServerQuirk("names that are containers only") {
            for attribute in ["\\NonExistent", "\\Noselect"] {
                var mailbox = ScriptedIMAPServer.Mailbox("no\(attribute.dropFirst())")
                mailbox.attributes = [attribute]
                $0.mailboxes.append(mailbox)
            }
        },
    ]

    // MARK: Bodies

    private static let bodies: [ServerQuirk] = [
        ServerQuirk("UID comes last in FETCH") { $0.faults.oddFetch = true },
        ServerQuirk("a FETCH row without UID") { $0.quirks.withheldUIDs = ([3], 2) },
        ServerQuirk("FETCH rows of a message are always without UID") { $0.quirks.withheldUIDs = ([3], .max) },
        ServerQuirk("NO for one UID") {
            $0.faults.refused = [3]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "not now"])
            $0.waits = true
        },
        ServerQuirk("a literal is longer than announced") {
            $0.faults.literalError = [3: -9]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "garbled"])
            $0.waits = true
        },
        ServerQuirk("a literal is shorter than announced") {
            $0.faults.literalError = [3: 9]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "garbled"])
            $0.waits = true
        },
        ServerQuirk("the connection breaks in a literal, twice") { $0.faults.breakAfter = [3: (20, 2)] },
        ServerQuirk("the connection breaks in a literal, always") {
            $0.faults.breakAfter = [3: (20, 10_000)]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "connection-lost"])
            $0.waits = true
        },
        ServerQuirk("a body is NIL") {
            $0.faults.nilBodies = [3]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "empty-body"])
            $0.waits = true
        },
        ServerQuirk("a body is empty") {
            $0.faults.emptyBodies = [3]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "empty-body"])
            $0.waits = true
        },
        ServerQuirk("a body is left out once") { ($0.faults.omitted, $0.faults.omissions) = ([3], 1) },
        ServerQuirk("a body is left out always") {
            $0.faults.omitted = [3]
        } _: {
            ($0.codes, $0.held, $0.words) = ([3], numbered(3), ["QUARANTINED", "not-delivered"])
            $0.waits = true
        },
        ServerQuirk("RFC822.SIZE is 0") { $0.quirks.size = 0 },
        ServerQuirk("RFC822.SIZE is too large") { $0.faults.sizeError = 40 },
        ServerQuirk("RFC822.SIZE is too small") { $0.faults.sizeError = -40 },
        ServerQuirk("INTERNALDATE is no date") { model in
            let dates = ["30-Dec-1899 00:00:00 +0000", "", " 1-Jan-1970 00:00:00 --400", "1-Foo-2024 99:99:99 +0100"]
            model.change("INBOX") { mailbox in
                for index in dates.indices { mailbox.messages[index].internalDate = dates[index] }
            }
        },
    ]

    // MARK: Commands

    private static let commands: [ServerQuirk] = [
        ServerQuirk("[THROTTLED], once") { $0.faults.denials["UID FETCH"] = ("NO [THROTTLED] slow down", 1) },
        ServerQuirk("Suggested Backoff Time") {
            let text = "NO Request is throttled. Suggested Backoff Time: 150 milliseconds"
            $0.faults.denials = ["UID FETCH": (text, 3), "LIST": (text, 1), "EXAMINE": (text, 2)]
        },
        ServerQuirk("[THROTTLED], always") {
            $0.faults.denials["UID FETCH"] = ("NO [THROTTLED] slow down", .max)
        } _: {
            ($0.codes, $0.held, $0.words) = ([8, 18, 3], all.union(["INBOX new", "from B"]), ["slow down"])
            ($0.keepsGone, $0.keepsFlags, $0.folders) = (true, true, [])
        },
        ServerQuirk("pipelining is refused") { $0.faults.refusesPipelining = true },
        ServerQuirk("pipelining is refused, and nothing is offered", old) { $0.faults.refusesPipelining = true },
        ServerQuirk("commands beyond 8,000 octets are BAD", extendedSearch) { model in
            model.quirks.commandOctetLimit = 8_000
            model.change("Work") { mailbox in
                // Every second UID, so that no run of them is short to say.
                for _ in 0..<3_200 { mailbox.append([]) }
                mailbox.messages.removeAll { $0.uid > 4 && $0.uid % 2 == 0 }
                for index in 4..<mailbox.messages.count {
                    mailbox.messages[index].octets = message("many \(mailbox.messages[index].uid)")
                }
            }
        },
        ServerQuirk("no capabilities are told at login") { $0.quirks.tellsNoCapabilities = true },
        ServerQuirk("BYE in place of answers") {
            $0.quirks.farewells = ["LIST": ("see you", 1), "EXAMINE": ("see you", 1), "UID FETCH": ("see you", 2)]
        },
        ServerQuirk("the connection closes in place of answers") {
            $0.quirks.farewells = ["LIST": ("", 1), "EXAMINE": ("", 1), "UID FETCH": ("", 2)]
        },
        ServerQuirk("BYE in place of every FETCH") {
            $0.quirks.farewells = ["UID FETCH": ("see you", .max)]
        } _: {
            ($0.codes, $0.held, $0.words) = ([8, 18, 3], all.union(["INBOX new", "from B"]), ["see you"])
            ($0.keepsGone, $0.keepsFlags, $0.folders) = (true, true, [])
        },
    ]

    // MARK: Names

    private static func renamed(
        _ name: String, _ wire: String, _ folder: String, delimiter: Character? = "/",
        _ more: @escaping @Sendable (inout Model) -> Void = { _ in }
    ) -> ServerQuirk {
        ServerQuirk(name) { model in
            for index in model.mailboxes.indices { model.mailboxes[index].delimiter = delimiter }
            model.mailboxes[1].name = wire
            model.namespaces = "((\"\" \(delimiter.map { $0 == "\\" ? "\"\\\\\"" : "\"\($0)\"" } ?? "NIL"))) NIL NIL"
            more(&model)
        } _: {
            $0.folders = [folder]
        }
    }

    private static let names: [ServerQuirk] = [
        renamed("a name in raw UTF-8", "Gr\u{FC}n", ".Grün"),
        renamed("a name in Latin-1", "Gr\u{FC}n", ".Gr%FCn") { $0.quirks.isLatin1 = true },
        renamed("a name with a bare &", "R&D", ".R&D"),
        renamed("a name with half an encoding", "a&Jjo", ".a&Jjo"),
        renamed("the delimiter is a backslash", "Work\\Sub", ".Work.Sub", delimiter: "\\"),
        renamed("there is no delimiter", "Work.Sub/x", ".Work_Sub%2Fx", delimiter: nil),
        renamed("names begin with INBOX.", "INBOX.Work", ".Work", delimiter: ".") {
            $0.namespaces = "((\"INBOX.\" \".\")) NIL NIL"
        },
        ServerQuirk("INBOX is called Inbox") {
            $0.mailboxes[0].name = "Inbox"
        } _: {
            $0.inbox = "Inbox"
        },
    ]

    // MARK: Connections

    private static func limited(_ name: String, _ surplus: ScriptedIMAPServer.Quirks.Surplus) -> ServerQuirk {
        ServerQuirk("one connection only: \(name)") {
            $0.quirks.connectionLimit = (1, surplus)
        } _: {
            $0.proves = { server in #expect(server.connections.peak <= 1) }
        }
    }

    private static let connections: [ServerQuirk] = [
        limited("[LIMIT]", .answer("NO [LIMIT] Maximum number of connections from user+IP exceeded")),
        limited("words without a code", .answer("NO [ALERT] Too many simultaneous connections. (Failure)")),
        limited("[INUSE]", .answer("NO [INUSE] come back later")),
        limited("BYE at login", .byeAtLogin("Too many connections")),
        limited("BYE as greeting", .byeAtGreeting("[UNAVAILABLE] too many connections from your address")),
        limited("closed without a word", .silence),
    ]
}
