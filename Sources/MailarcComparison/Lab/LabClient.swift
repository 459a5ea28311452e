import Glibc
import MailCore
import MailarcKit

/// The lab's own hands and eyes: IMAP in the clear, one command at a time, with a server of the lab.
///
/// It shares no code with `MailIMAP`, so that a mistake there cannot hide itself here. It speaks to Dovecot alone and
/// understands no more than Dovecot says.
final class LabClient {
    /// One response: its text with the literals taken out, and those.
    struct Reply {
        var text: String
        var literals: [[UInt8]]
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    private var commands = 0
    private var selected: String?

    /// Logs in.
    ///
    /// - Throws: `.connection` when the server is not there or breaks off, `.internalError` when it says NO.
    init(_ address: LabAddress) throws(KitError) {
        guard let descriptor = LoopbackSocket.connected(to: address.port) else {
            throw KitError(.connection, "the lab's server does not answer")
        }
        self.descriptor = descriptor
        _ = try readReply()
        try run("LOGIN \(address.user) \(address.password)")
    }

    deinit { close(descriptor) }

    private var lastTag: String { "x\(commands)" }

    private func begin(_ command: String, literal: [UInt8]? = nil) throws(KitError) {
        commands += 1
        // LITERAL+, which Dovecot has. RFC 7888
        let line = "\(lastTag) \(command)" + (literal.map { " {\($0.count)+}" } ?? "") + "\r\n"
        let octets = Array(line.utf8) + (literal.map { $0 + [13, 10] } ?? [])
        guard LoopbackSocket.send(octets, to: descriptor) else { throw lost }
    }

    /// Sends a command and returns what came before its completion.
    @discardableResult
    func run(_ command: String, literal: [UInt8]? = nil) throws(KitError) -> [Reply] {
        try begin(command, literal: literal)
        let tag = lastTag
        var replies: [Reply] = []
        while true {
            let reply = try readReply()
            guard reply.text.hasPrefix(tag + " ") else {
                replies.append(reply)
                continue
            }
            guard reply.text.hasPrefix(tag + " OK") else {
                let name = command.split(separator: " ").first ?? ""
                let words = reply.text.dropFirst(tag.count + 1)
                throw KitError(.internalError, "the lab's server refused \(name): \(words)")
            }
            return replies
        }
    }

    private var lost: KitError { KitError(.connection, "the lab's server closed the connection") }

    private func readReply() throws(KitError) -> Reply {
        var reply = Reply(text: "", literals: [])
        while true {
            let line = try readLine()
            reply.text += line
            guard line.last == "}", let open = line.lastIndex(of: "{"),
                let count = Int(line[line.index(after: open)...].dropLast())
            else { return reply }
            reply.literals.append(try read(count))
        }
    }

    private func readLine() throws(KitError) -> String {
        while true {
            if let end = buffer[position...].firstIndex(of: 10) {
                let line = buffer[position..<end]
                position = end + 1
                return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            }
            try fill()
        }
    }

    private func read(_ count: Int) throws(KitError) -> [UInt8] {
        while buffer.count - position < count { try fill() }
        defer { position += count }
        return Array(buffer[position..<(position + count)])
    }

    private func skip(_ count: Int) throws(KitError) {
        var left = count
        while true {
            let taken = min(left, buffer.count - position)
            position += taken
            left -= taken
            guard left > 0 else { return }
            try fill()
        }
    }

    private func fill() throws(KitError) {
        buffer.removeFirst(position)
        position = 0
        let octets = LoopbackSocket.receive(descriptor)
        guard !octets.isEmpty else { throw lost }
        buffer += octets
    }
}

/// Where an account of the lab is.
public struct LabAddress: Sendable {
    public var port: Int
    public var user: String
    public var password: String
}

// MARK: Looking

extension LabClient {
    /// Everything the account holds.
    func account() throws(KitError) -> SeenAccount {
        var account = SeenAccount()
        for mailbox in try mailboxes() {
            // QUIRK: Dovecot lists a mailbox for a while that doveadm removed behind its back.
            let opened = try run("EXAMINE \"\(mailbox)\"", allowsRefusal: true)
            selected = nil
            guard !opened.isEmpty else { continue }
            account.mailboxes.insert(mailbox)
            for reply in opened {
                guard let value = Self.field("[UIDVALIDITY ", reply.text, end: "]") else { continue }
                account.validities[mailbox] = UInt32(value)
            }
            account.messages += try messages(mailbox)
        }
        return account
    }

    /// Messages of INBOX.
    func inboxCount() throws(KitError) -> Int {
        try run("STATUS INBOX (MESSAGES)").compactMap { Self.field("(MESSAGES ", $0.text, end: ")") }
            .compactMap { Int($0) }.first ?? 0
    }

    private func mailboxes() throws(KitError) -> [String] {
        var names: [String] = []
        for reply in try run("LIST \"\" \"*\"") {
            guard reply.text.hasPrefix("* LIST ("), let close = reply.text.firstIndex(of: ")"),
                !reply.text[..<close].lowercased().contains("\\noselect")
            else { continue }
            let name = reply.text[close...].dropFirst(") \".\" ".count)
            names.append(name.filter { $0 != "\"" })
        }
        return names.sorted()
    }

    private func messages(_ mailbox: String) throws(KitError) -> [SeenAccount.Message] {
        try run("FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])", allowsRefusal: true).compactMap { reply in
            guard reply.text.contains(" FETCH ("), let octets = reply.literals.first,
                let uid = Self.field("UID ", reply.text, end: " ").flatMap({ UInt32($0) })
            else { return nil }
            let flags = Self.field("FLAGS (", reply.text, end: ")") ?? ""
            let tag = Letter.tag(in: octets)
            return SeenAccount.Message(
                mailbox: mailbox, uid: uid, digest: Letter.digest(delivered: octets, tag: tag), tag: tag,
                flags: flags.split(separator: " ").map(String.init).filter { $0 != "\\Recent" },
                internalDate: Self.field("INTERNALDATE \"", reply.text, end: "\"")
                    .flatMap { InternalDate(parsing: $0) }?.secondsSinceEpoch)
        }
    }

    /// As `run`, where the server may say NO or BAD: to a sequence set in an empty mailbox, of a mailbox that is gone.
    private func run(_ command: String, allowsRefusal: Bool) throws(KitError) -> [Reply] {
        do throws(KitError) { return try run(command) } catch {
            guard allowsRefusal, error.kind == .internalError else { throw error }
            return []
        }
    }

    private static func field(_ name: String, _ text: String, end: Character) -> String? {
        guard let start = text.firstRange(of: name)?.upperBound else { return nil }
        return String(text[start...].prefix { $0 != end })
    }
}

// MARK: Measuring

extension LabClient {
    /// Reads every message of every mailbox and drops it.
    func discardAll() throws(KitError) -> (messages: Int, octets: Int) {
        var (messages, octets) = (0, 0)
        for mailbox in try mailboxes() {
            try run("EXAMINE \"\(mailbox)\"")
            try begin("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
            while true {
                let line = try readLine()
                if line.hasPrefix(lastTag + " ") { break }
                guard line.last == "}", let open = line.lastIndex(of: "{"),
                    let count = Int(line[line.index(after: open)...].dropLast())
                else { continue }
                try skip(count)
                messages += 1
                octets += count
            }
        }
        return (messages, octets)
    }

    /// Takes away what ``Corpus/more(_:)`` put there.
    func expungeMore(in mailbox: String) throws(KitError) {
        try run("SELECT \"\(mailbox)\"")
        let found = try run("UID SEARCH HEADER X-More yes").compactMap { reply in
            reply.text.hasPrefix("* SEARCH ") ? reply.text.dropFirst("* SEARCH ".count) : nil
        }
        let set = found.joined(separator: " ").split(separator: " ").joined(separator: ",")
        guard !set.isEmpty else { return }
        try run("UID STORE \(set) +FLAGS.SILENT (\\Deleted)")
        try run("UID EXPUNGE \(set)")
    }
}

// MARK: Changing

extension LabClient {
    /// Does what a user does.
    func perform(_ step: AccountModel.Step) throws(KitError) {
        switch step {
        case .append(let key, let mailbox, let flags): try append(Letter(key), to: mailbox, flags)
        case .expunge(let tag, let mailbox):
            let uid = try uid(of: tag, in: mailbox)
            try run("UID STORE \(uid) +FLAGS (\\Deleted)")
            try run("UID EXPUNGE \(uid)")
        case .flags(let flags, let tag, let mailbox):
            try run("UID STORE \(try uid(of: tag, in: mailbox)) FLAGS (\(flags.joined(separator: " ")))")
        case .move(let tag, let mailbox, let target):
            try run("UID MOVE \(try uid(of: tag, in: mailbox)) \"\(target)\"")
        case .create(let mailbox): try run("CREATE \"\(mailbox)\"")
        case .rename(let old, let new):
            try leave()
            try run("RENAME \"\(old)\" \"\(new)\"")
        case .delete(let mailbox):
            try leave()
            try run("DELETE \"\(mailbox)\"")
        case .resetUIDValidity: throw KitError(.internalError, "no command of IMAP does that")
        }
    }

    /// Puts a message into a mailbox, making that where it is not there.
    func append(_ letter: Letter, to mailbox: String, _ flags: [String]) throws(KitError) {
        if mailbox != "INBOX", try !mailboxes().contains(mailbox) { try run("CREATE \"\(mailbox)\"") }
        try append(letter.octets, to: mailbox, flags, date: letter.internalDate)
    }

    func append(_ octets: [UInt8], to mailbox: String, _ flags: [String], date: Int64) throws(KitError) {
        let date = InternalDate(secondsSinceEpoch: date)
        try run("APPEND \"\(mailbox)\" (\(flags.joined(separator: " "))) \"\(date)\"", literal: octets)
    }

    private func leave() throws(KitError) {
        guard selected != nil else { return }
        try run("UNSELECT")
        selected = nil
    }

    private func uid(of tag: String, in mailbox: String) throws(KitError) -> UInt32 {
        if selected != mailbox { try run("SELECT \"\(mailbox)\"") }
        selected = mailbox
        guard let message = try messages(mailbox).first(where: { $0.tag == tag }) else {
            throw KitError(.notFound, "\(mailbox)/\(tag) is not there to be changed")
        }
        return message.uid
    }
}
