/// What went wrong, to what, and what to do next. Never holds a secret or mail content.
public struct KitError: Error, Sendable, CustomStringConvertible {
    /// What kind of thing went wrong; the exit code follows from it (ExitStatus.swift).
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case usage
        case notAnArchive, unsupportedVersion, alreadyExists
        case wrongKey, busy, anchor
        case connection, authentication, tls
        /// An account whose tokens are missing or count no more: its owner has to log in.
        case loginNeeded
        case damaged, ioFailed, diskFull
        case notFound, badQuery
        /// A message that is not taken, whoever brings it; a recipient that is not served.
        case unacceptable, notPermitted
        case sourceOutage
        case cancelled, internalError
    }
    public var kind: Kind
    /// One sentence: what happened, to what.
    public var message: String
    /// What to do next, where there is something.
    public var hint: String?
    public var cause: (any Error)?

    /// For a name of a selection.
    public static func noMailbox(_ name: String, of ends: String) -> KitError {
        KitError(
            .notFound, "no mailbox of \(ends) is named \(name)",
            hint: "names are as the server has them, capitals told from small letters; '*' stands for anything")
    }

    public init(_ kind: Kind, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        (self.kind, self.message, self.hint, self.cause) = (kind, message, hint, cause)
    }

    public var description: String { message }
}
