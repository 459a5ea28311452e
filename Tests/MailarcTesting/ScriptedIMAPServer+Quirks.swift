import Foundation

extension ScriptedIMAPServer {
    /// What servers that are in use do differently; Documentation/Servers.md names them.
    public struct Quirks: Sendable {
        /// What UIDVALIDITY is like.
        public enum Validity: Sendable {
            case steady
            /// Another one whenever a mailbox is opened.
            case changing
            case zero, missing
        }

        /// What a connection beyond ``connectionLimit`` is told.
        public enum Surplus: Sendable {
            /// The completion of LOGIN or AUTHENTICATE.
            case answer(String)
            /// BYE in place of it.
            case byeAtLogin(String)
            case byeAtGreeting(String)
            /// Nothing: the connection is closed.
            case silence
        }

        // MARK: Mailboxes
        public var uidValidity = Validity.steady
        public var omitsUIDNext = false
        /// Each LIST line comes twice.
        public var repeatsListings = false
        /// Names travel as Latin-1.
        public var isLatin1 = false
        /// LIST ends with NO behind so many lines.
        public var listFailsBehind: Int?
        /// NO for SELECT, EXAMINE and STATUS of these.
        public var closedMailboxes: Set<String> = []
        /// SELECT opens them READ-ONLY, and STORE and APPEND are refused.
        public var readOnlyMailboxes: Set<String> = []
        /// NO for CREATE.
        public var createRefusal: String?
        /// CREATE wants names to begin with it.
        public var createPrefix: String?

        // MARK: Messages
        /// RFC822.SIZE of every message.
        public var size: Int?
        /// FETCH rows without MODSEQ.
        public var omitsModSeq = false
        /// FETCH with MODSEQ is BAD.
        public var refusesModSeq = false
        /// STATUS and SELECT without HIGHESTMODSEQ.
        public var omitsHighestModSeq = false
        /// Rows without their UID, of messages with these UIDs; so many times.
        public var withheldUIDs: (uids: Set<UInt32>, times: Int) = ([], 0)
        /// FETCH and SEARCH show only so many messages, the newest ones; EXISTS counts all.
        public var newestShown: Int?
        /// UID SEARCH KEYWORD is BAD.
        public var refusesKeywordSearch = false

        // MARK: Changes
        /// NO for an APPEND whose message does not end with CRLF.
        public var wantsFinalLineEnd = false
        /// NO for keywords in STORE and APPEND.
        public var refusesKeywords = false

        // MARK: Connections
        /// BAD for a command line of more octets.
        public var commandOctetLimit: Int?
        /// No CAPABILITY code with the greeting and the login.
        public var tellsNoCapabilities = false
        /// BYE in place of the answer, by command, so many times.
        public var farewells: [String: (text: String, times: Int)] = [:]
        /// Connections logged in at once; what more is told.
        public var connectionLimit: (count: Int, surplus: Surplus)?
        /// How long a login is thought about that is then refused for ``connectionLimit``.
        public var refusalTime = Duration.zero
        /// Logins at which a connection that has ended still counts.
        public var lingering = 0

        public init() {}
    }
}

extension ScriptedIMAPServer {
    /// How many connections there were.
    public struct Connections: Sendable {
        /// Logged in now, and at most.
        public internal(set) var count = 0
        public internal(set) var peak = 0
        /// Logins that were taken, and that were not for there were too many.
        public internal(set) var taken = 0
        public internal(set) var refused = 0
        /// Commands that came before the one before was answered, where that is looked for
        /// (``ScriptedIMAPServer/Faults/refusesPipelining``).
        public internal(set) var early = 0
    }
}

extension ScriptedIMAPSession {
    /// Says goodbye in place of an answer, where that is the script.
    func leave(_ name: String, _ model: Model) throws {
        guard let farewell = model.quirks.farewells[name], farewell.times > 0 else { return }
        server.update { $0.quirks.farewells[name]?.times -= 1 }
        if !farewell.text.isEmpty { try wire.write("* BYE \(farewell.text)\r\n") }
        try wire.end()
        throw ScriptedIMAPWire.Closed()
    }

    func goodbye(_ text: String) throws {
        if !text.isEmpty { try wire.write("* BYE \(text)\r\n") }
        try wire.flush()
        throw ScriptedIMAPWire.Closed()
    }

    /// Whether one more connection may log in; told otherwise.
    func isAdmitted(_ model: Model) throws -> Bool {
        guard !server.admit(model.quirks.connectionLimit?.count) else { return true }
        Thread.sleep(forTimeInterval: model.quirks.refusalTime / .seconds(1))
        switch model.quirks.connectionLimit?.surplus {
        case .answer(let text): try complete(text)
        case .byeAtLogin(let text), .byeAtGreeting(let text): try goodbye(text)
        case .silence, nil: try goodbye("")
        }
        return false
    }

    /// The message a client may see of `mailbox`.
    func shown(_ mailbox: Mailbox, _ model: Model) -> Mailbox {
        guard let count = model.quirks.newestShown else { return mailbox }
        var mailbox = mailbox
        mailbox.messages = Array(mailbox.messages.suffix(count))
        return mailbox
    }

    func holdsKeyword(_ flags: [String]) -> Bool { flags.contains { !$0.hasPrefix("\\") } }
}
