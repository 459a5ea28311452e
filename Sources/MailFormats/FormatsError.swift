import Glibc
import MailCore

/// An error of files that hold mail.
public struct FormatsError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case notFound, notPermitted, notAMailStore, alreadyExists, ioFailed, diskFull, invalidName
        /// What is read is not whole.
        case damaged
    }
    public var kind: Kind
    /// What happened, in one sentence, no mail content.
    public var message: String
    public var path: String
    /// The system's number; 0 when it was not the system.
    public var errorNumber: Int32

    public init(_ kind: Kind, _ message: String, path: String, errorNumber: Int32 = 0) {
        (self.kind, self.message, self.path, self.errorNumber) = (kind, message, path, errorNumber)
    }

    public var description: String { "\(path): \(message)" }

    /// The error of the system call that just failed.
    static func last(_ call: String, _ path: [UInt8]) -> FormatsError {
        let number = errno
        let kind: Kind =
            switch number {
            case ENOENT, ENOTDIR: .notFound
            case EACCES, EPERM: .notPermitted
            case EEXIST: .alreadyExists
            case ENOSPC, EDQUOT: .diskFull
            default: .ioFailed
            }
        // SAFETY: strerror gives a terminated string that is copied at once.
        let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        return FormatsError(
            kind, "\(call): \(words)", path: String(decoding: path, as: UTF8.self), errorNumber: number)
    }

    /// The same of what is at `place`, where nothing was said of that.
    func at(_ place: String) -> FormatsError {
        var error = self
        if path.isEmpty { error.path = place }
        return error
    }

    func storeError(_ mailbox: MailboxName? = nil) -> StoreError {
        let kind: StoreError.Kind =
            switch self.kind {
            case .notFound where mailbox != nil: .noSuchMailbox
            case .diskFull: .diskFull
            default: .ioFailed
            }
        return StoreError(
            kind, description, mailbox: mailbox, retry: [.ioFailed, .diskFull].contains(self.kind) ? .later : .no,
            cause: self)
    }

    var refusal: Refusal { Refusal(kind == .notFound ? .expunged : .unreadable, detail: message) }
}
