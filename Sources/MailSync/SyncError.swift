public import MailCore

/// An error that stops a run.
public struct SyncError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The source looks broken rather than emptied; nothing was recorded.
        case outage
        /// The state belongs to another account; nothing was recorded.
        case otherAccount
        /// The source could not be reached or spoken with.
        case sourceFailed
        case destinationFailed
        case stateFailed
        /// The disk with the state is full.
        case diskFull
        /// The state cannot be written to: rights, a read-only disk.
        case stateUnwritable
        /// The state was written by a newer version.
        case stateTooNew
        /// Another run uses the state.
        case stateInUse
        case cancelled
        /// An end or the policy cannot do what is asked for; nothing was done.
        case requestRefused
    }

    public var kind: Kind
    /// What happened, to what; one sentence, no mail content.
    public var message: String
    public var cause: (any Error)?

    public init(_ kind: Kind, _ message: String, cause: (any Error)? = nil) {
        (self.kind, self.message, self.cause) = (kind, message, cause)
    }

    /// Whether trying again can help.
    public var retry: StoreError.Retry {
        switch kind {
        case .outage, .cancelled, .stateInUse, .diskFull: .later
        case .sourceFailed: (cause as? StoreError)?.retry ?? .later
        case .otherAccount, .destinationFailed, .stateFailed, .stateUnwritable, .stateTooNew, .requestRefused: .no
        }
    }

    public var description: String { message }
}
