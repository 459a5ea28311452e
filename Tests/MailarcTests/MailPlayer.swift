import Foundation
import MailarcTesting
import Testing

/// What a user's client does, played over IMAP by `Fixtures/bin/imap-play`, which shares no code with mailarc.
struct PlayedStep: Encodable, Sendable {
    enum Kind: String, Encodable { case append, expunge, flags, move, create, delete, rename }
    var `do`: Kind
    var mailbox: String
    /// SHA-256 of the message meant, in hexadecimal digits.
    var message: String?
    var octets: Data?
    var flags: [String]?
    var date: Int?
    var to: String?

    init(
        _ kind: Kind, _ mailbox: String, message: String? = nil, octets: [UInt8]? = nil, flags: [String]? = nil,
        date: Int? = nil, to: String? = nil
    ) {
        (self.do, self.mailbox, self.message) = (kind, mailbox, message)
        (self.octets, self.flags, self.date, self.to) = (octets.map { Data($0) }, flags, date, to)
    }
}

/// What one user does, one step after the other.
struct PlayedJob: Encodable, Sendable {
    var port: Int
    var user: String
    var password = "secret"
    var steps: [PlayedStep] = []
    /// Whether the account is to be listed afterwards.
    var shows = false
    /// Messages are known by the SHA-256 of their bodies.
    var bodies = false
}

enum MailPlayer {
    /// Mailbox → messages as SHA-256 and flags, sorted, of every job that shows its account.
    @discardableResult
    static func play(_ jobs: [PlayedJob]) async throws -> [[String: [PlayedMessage]]] {
        guard !jobs.isEmpty else { return [] }
        var command = ProcessCommand("python3", [Repository.script("imap-play")])
        command.input = [UInt8](try JSONEncoder().encode(jobs))
        let result = try await command.runSuccessfully()
        return try JSONDecoder().decode([[String: [PlayedMessage]]].self, from: Data(result.standardOutput))
    }
}

struct PlayedMessage: Decodable, Sendable, Hashable {
    var digest: String
    var flags: [String]

    init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        digest = try list.decode(String.self)
        flags = try list.decode([String].self)
    }
}
