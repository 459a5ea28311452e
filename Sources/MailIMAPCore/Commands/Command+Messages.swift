public import MailCore

/// A data item of FETCH.
public enum FetchItem: Sendable, Hashable {
    case uid, flags, internalDate, octetCount, modSeq
    /// The server's content id: `EMAILID`, `X-GM-MSGID`, `X-GUID`.
    case objectID(String)
    case body
    /// `BODY.PEEK[]<offset.count>`
    case bodyPart(offset: Int, octetCount: Int)
    /// The header field Message-ID alone, as ``messageIDField``.
    case messageID

    /// What an answer to ``messageID`` is called.
    public static let messageIDField = "BODY[HEADER.FIELDS (MESSAGE-ID)]"

    var text: String {
        switch self {
        case .uid: "UID"
        case .flags: "FLAGS"
        case .internalDate: "INTERNALDATE"
        case .octetCount: "RFC822.SIZE"
        case .modSeq: "MODSEQ"
        case .objectID(let name): name
        case .body: "BODY.PEEK[]"
        case .messageID: "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        case .bodyPart(let offset, let octetCount): "BODY.PEEK[]<\(offset).\(octetCount)>"
        }
    }
}

/// What UID SEARCH looks for.
public enum SearchKey: Sendable, Hashable {
    case all
    case flag(Flag)
    case uids(ClosedRange<UInt32>)
    case set(UIDSet)

    var text: String {
        switch self {
        case .all: "ALL"
        case .flag(let flag) where flag.isSystemFlag: flag.name.dropFirst().uppercased()
        case .flag(let flag): "KEYWORD \(flag.name)"
        case .uids(let range): "UID \(ListingWindows.text(range))"
        case .set(let set): "UID \(set)"
        }
    }
}

extension Command {
    /// UID FETCH of `set` (`1:4,7`, `100:*`).
    public static func uidFetch(_ set: String, _ items: [FetchItem], changedSince: ModSeq? = nil) -> Command {
        let command = Command("UID FETCH").adding(" \(set) (" + items.map(\.text).joined(separator: " ") + ")")
        return changedSince.map { command.adding(" (CHANGEDSINCE \($0))") } ?? command
    }

    /// UID SEARCH; with `isExtended` the answer is an ESEARCH set.
    public static func uidSearch(_ key: SearchKey, isExtended: Bool) -> Command {
        Command("UID SEARCH").adding(isExtended ? " RETURN (ALL) " + key.text : " " + key.text)
    }

    /// UID SEARCH by a user's program, among the messages below `limit` if one is given; with `isExtended` the answer
    /// is an ESEARCH set.
    public static func uidSearch(_ program: SearchProgram, below limit: UInt32? = nil, isExtended: Bool) -> Command {
        var command = Command("UID SEARCH").adding(isExtended ? " RETURN (ALL)" : "")
        command = command.adding(program.needsUTF8 ? " CHARSET UTF-8 " : " ")
        if let limit { command = command.adding("UID 1:\(limit - 1) ") }
        for piece in program.pieces {
            switch piece {
            case .text(let text): command = command.adding(text)
            case .literal(let octets): command.parts.append(.literal(octets))
            }
        }
        return command
    }

    /// How UID STORE changes flags; `silent` is always asked for.
    public enum StoreMode: String, Sendable, Hashable {
        case replace = "FLAGS.SILENT"
        case add = "+FLAGS.SILENT"
        case remove = "-FLAGS.SILENT"
    }

    public static func uidStore(
        _ set: UIDSet, _ mode: StoreMode, _ flags: FlagSet, unchangedSince: ModSeq? = nil
    ) -> Command {
        let guarded = unchangedSince.map { " (UNCHANGEDSINCE \($0))" } ?? ""
        return Command("UID STORE").adding(" \(set)\(guarded) \(mode.rawValue) (\(flags))")
    }

    public static func uidCopy(_ set: UIDSet, to mailbox: WireName) -> Command {
        Command("UID COPY").adding(" \(set)").adding(mailbox: mailbox)
    }

    public static func uidMove(_ set: UIDSet, to mailbox: WireName) -> Command {
        Command("UID MOVE").adding(" \(set)").adding(mailbox: mailbox)
    }

    /// UID EXPUNGE of `set`; RFC 4315.
    public static func uidExpunge(_ set: UIDSet) -> Command { Command("UID EXPUNGE").adding(" \(set)") }

    public static let expunge = Command("EXPUNGE")
    public static let unselect = Command("UNSELECT")

    /// APPEND of one whole message. RFC 9051 §6.3.12
    public static func append(
        _ message: [UInt8], to mailbox: WireName, flags: FlagSet = [], internalDate: InternalDate? = nil
    ) -> Command {
        var command = Command("APPEND").adding(mailbox: mailbox)
        if !flags.isEmpty { command = command.adding(" (\(flags))") }
        if let internalDate { command = command.adding(" \"\(internalDate)\"") }
        return command.adding(literal: message)
    }
}
