public import MailCore

/// The bracketed code of a status response.
///
/// - SeeAlso: RFC 9051 §7.1
public enum ResponseCode: Sendable, Hashable {
    case capability(CapabilitySet)
    case uidValidity(UInt32)
    case uidNext(UInt32)
    case unseen(UInt32)
    /// 0 as it came: the mailbox has no modification sequences.
    case highestModSeq(UInt64)
    case noModSeq
    case permanentFlags([Flag])
    case readOnly, readWrite, tryCreate, closed, alert, nonExistent
    case authenticationFailed, authorizationFailed, expired, privacyRequired, contactAdmin
    case unavailable, inUse, limit, overQuota, throttled, alreadyExists, noPermission, serverBug
    /// APPEND: more than the server takes. RFC 4469 §5
    case tooBig
    case appendUID(UIDValidity, UIDSet)
    case copyUID(UIDValidity, source: UIDSet, destination: UIDSet)
    case modified(UIDSet)
    /// RFC 9738: only part of the set was worked on.
    case messageLimit(UInt32, lowestUID: UInt32?)
    case mailboxID(String)
    /// Name in upper case, and what follows it.
    case other(String, [UInt8])

    /// Codes that are one word.
    private static let words: [String: ResponseCode] = [
        "NOMODSEQ": .noModSeq, "READ-ONLY": .readOnly, "READ-WRITE": .readWrite, "TRYCREATE": .tryCreate,
        "CLOSED": .closed, "ALERT": .alert, "NONEXISTENT": .nonExistent,
        "AUTHENTICATIONFAILED": .authenticationFailed, "AUTHORIZATIONFAILED": .authorizationFailed,
        "EXPIRED": .expired, "PRIVACYREQUIRED": .privacyRequired, "CONTACTADMIN": .contactAdmin,
        "UNAVAILABLE": .unavailable, "INUSE": .inUse, "LIMIT": .limit, "OVERQUOTA": .overQuota,
        "THROTTLED": .throttled, "ALREADYEXISTS": .alreadyExists, "NOPERM": .noPermission, "SERVERBUG": .serverBug,
        "TOOBIG": .tooBig,
    ]

    // resp-text-code = name [SP args]   ; total: what does not fit its grammar is `.other`
    init?(_ cursor: inout LineCursor) {
        guard let word = cursor.takeWord() else { return nil }
        cursor.skipSpaces()
        let rest = cursor
        let code: ResponseCode? = Self.words[word] ?? Self.numeric(word, &cursor) ?? Self.sets(word, &cursor)
        self = code ?? .other(word, Array(rest.octets[rest.position..<rest.end]))
    }

    private static func numeric(_ word: String, _ cursor: inout LineCursor) -> ResponseCode? {
        switch word {
        case "UIDVALIDITY": return cursor.takeNumber32().map { .uidValidity($0) }
        case "UIDNEXT": return cursor.takeNumber32().map { .uidNext($0) }
        case "UNSEEN": return cursor.takeNumber32().map { .unseen($0) }
        case "HIGHESTMODSEQ": return cursor.takeNumber().map { .highestModSeq($0) }
        case "MESSAGELIMIT":
            guard let limit = cursor.takeNumber32() else { return nil }
            cursor.skipSpaces()
            return .messageLimit(limit, lowestUID: cursor.takeNumber32())
        default: return nil
        }
    }

    private static func sets(_ word: String, _ cursor: inout LineCursor) -> ResponseCode? {
        switch word {
        case "CAPABILITY": return .capability(CapabilitySet(&cursor))
        case "PERMANENTFLAGS": return cursor.takeFlags().map { .permanentFlags($0) }
        case "MODIFIED": return cursor.takeUIDSet().map { .modified($0) }
        case "MAILBOXID":
            _ = cursor.take(.open)
            guard let id = cursor.takeAtom() else { return nil }
            return .mailboxID(String(decoding: cursor.octets[id], as: UTF8.self))
        case "APPENDUID":
            guard let validity = cursor.takeNumber32() else { return nil }
            cursor.skipSpaces()
            return cursor.takeUIDSet().map { .appendUID(UIDValidity(validity), $0) }
        case "COPYUID":
            guard let validity = cursor.takeNumber32() else { return nil }
            cursor.skipSpaces()
            guard let source = cursor.takeUIDSet() else { return nil }
            cursor.skipSpaces()
            guard let destination = cursor.takeUIDSet() else { return nil }
            return .copyUID(UIDValidity(validity), source: source, destination: destination)
        default: return nil
        }
    }
}
