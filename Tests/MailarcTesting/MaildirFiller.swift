public import Foundation

/// Writes messages into a Maildir++ as a delivery agent and Dovecot would.
///
/// Mailbox names are given with "." as delimiter; file times become internal dates. Keywords go to `dovecot-keywords`.
public struct MaildirFiller: Sendable {
    public let root: String

    /// Makes `cur`, `new` and `tmp` below `root`.
    public init(root: String) throws {
        self.root = root
        try Self.makeMaildir(root)
    }

    private static func makeMaildir(_ path: String) throws {
        for name in ["cur", "new", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        }
    }

    /// The folder of a mailbox, made when missing. `name` is written as given: modified UTF-7 is the caller's.
    public func mailbox(_ name: String) throws -> String {
        guard name != "INBOX" else { return root }
        let path = "\(root)/.\(name)"
        if !FileManager.default.fileExists(atPath: path) {
            try Self.makeMaildir(path)
            try Data().write(to: URL(fileURLWithPath: "\(path)/maildirfolder"))
        }
        return path
    }

    /// Names the keywords that info letters `a`, `b`, … stand for in a mailbox.
    public func setKeywords(_ keywords: [String], in mailbox: String = "INBOX") throws {
        let lines = keywords.enumerated().map { "\($0.offset) \($0.element)\n" }
        try lines.joined().write(
            toFile: try self.mailbox(mailbox) + "/dovecot-keywords", atomically: false, encoding: .utf8)
    }

    /// Adds one message.
    ///
    /// - Parameters:
    ///   - number: makes the base name unique and orders messages: UIDs follow it.
    ///   - info: Maildir flag letters, sorted; keywords as lower-case letters after them.
    /// - Returns: the path of the file.
    @discardableResult
    public func add(
        _ octets: [UInt8], to mailbox: String = "INBOX", number: Int, info: String = "S",
        date: Date = Date(timeIntervalSince1970: 1_600_000_000)
    ) throws -> String {
        let base = String(format: "%d.M%06dP1.test", Int(date.timeIntervalSince1970), number)
        let path = "\(try self.mailbox(mailbox))/cur/\(base):2,\(info)"
        let attributes: [FileAttributeKey: Any] = [.modificationDate: date, .posixPermissions: 0o644]
        guard FileManager.default.createFile(atPath: path, contents: Data(octets), attributes: attributes) else {
            throw ProcessFailure("\(path) cannot be written")
        }
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        return path
    }
}
