import Foundation
import MailCore

/// One session of the scripted server.
final class ScriptedIMAPSession {
    typealias Model = ScriptedIMAPServer.Model
    typealias Mailbox = ScriptedIMAPServer.Mailbox

    let server: ScriptedIMAPServer
    let wire: ScriptedIMAPWire
    var selected: String?
    var isQuickResync = false
    var isUTF8 = false
    /// The command that is answered, literals in place.
    private(set) var raw: [UInt8] = []
    private var isAuthenticated = false
    private var tag = ""
    private var postponed: [String] = []

    init(_ server: ScriptedIMAPServer, _ wire: ScriptedIMAPWire) {
        (self.server, self.wire) = (server, wire)
        wire.breakIn = { octetCount in
            guard let fault = server.model.faults.breakInLiteral, fault.times > 0, octetCount >= fault.octetCount else {
                return nil
            }
            server.update { $0.faults.breakInLiteral?.times -= 1 }
            return fault.octetCount
        }
    }

    func serve() {
        do {
            let model = server.model
            let capabilities = model.capabilities.joined(separator: " ")
            if let greeting = model.faults.greeting {
                try wire.write(greeting[...])
            } else {
                try wire.write("* OK [CAPABILITY \(capabilities)] \(model.greeting)\r\n")
            }
            var isEarly = false
            while let command = try wire.readCommand() {
                let isNextEarly = server.model.faults.refusesPipelining && wire.hasMore()
                let arguments = ScriptedArgument.parse(command)
                raw = command
                if isEarly {
                    try wire.write("\(arguments.first?.word ?? "*") BAD not so fast\r\n")
                } else {
                    guard try answer(arguments) else { break }
                }
                isEarly = isNextEarly
            }
            try wire.flush()
        } catch {}
    }

    /// False when the session is over.
    private func answer(_ arguments: [ScriptedArgument]) throws -> Bool {
        guard arguments.count > 1, let tag = arguments[0].word, let name = arguments[1].word?.uppercased() else {
            try wire.write("* BAD no command\r\n")
            return true
        }
        let model = server.model
        self.tag = model.faults.wrongTag && name != "LOGIN" && name != "AUTHENTICATE" ? "WRONG" : tag
        server.log(Self.describe(name, arguments))
        if try deny(name, arguments, model) { return true }
        for _ in 0..<model.faults.flood { try wire.write("* 1 EXISTS\r\n") }
        switch name {
        case "LOGOUT":
            try wire.write("* BYE\r\n\(tag) OK bye\r\n")
            return false
        case "CAPABILITY":
            try wire.write("* CAPABILITY \(model.capabilities.joined(separator: " "))\r\n")
            try complete("OK done")
        case "NOOP": try complete("OK done")
        case "STARTTLS":
            try wire.write("\(tag) OK begin\r\n")
            if let octets = model.faults.injectedBehindStartTLS { try wire.write(octets[...]) }
        case "LOGIN", "AUTHENTICATE": try logIn(name, arguments, model)
        default:
            guard isAuthenticated else {
                try complete("BAD not authenticated")
                return true
            }
            try authenticated(name, arguments, model)
        }
        return true
    }

    private func deny(_ name: String, _ arguments: [ScriptedArgument], _ model: Model) throws -> Bool {
        let whole = name == "UID" ? "UID " + (arguments.dropFirst(2).first?.word?.uppercased() ?? "") : name
        guard let denial = model.faults.denials[whole], denial.times > 0 else { return false }
        server.update { $0.faults.denials[whole]?.times -= 1 }
        try complete(denial.text)
        return true
    }

    private static func describe(_ name: String, _ arguments: [ScriptedArgument]) -> String {
        guard name != "LOGIN", name != "AUTHENTICATE" else { return name }
        func text(_ argument: ScriptedArgument) -> String {
            switch argument {
            case .word(let word): word
            case .list(let list): "(" + list.map(text).joined(separator: " ") + ")"
            }
        }
        return arguments.dropFirst().map(text).joined(separator: " ")
    }

    func complete(_ text: String) throws {
        for line in postponed { try wire.write(line) }
        postponed = []
        try wire.write("\(tag) \(text)\r\n")
    }

    /// Completes the command with the next one that is completed.
    func postpone(_ text: String) { postponed.append("\(tag) \(text)\r\n") }

    private func logIn(_ name: String, _ arguments: [ScriptedArgument], _ model: Model) throws {
        var credentials = (arguments.dropFirst(2).first?.word, arguments.dropFirst(3).first?.word)
        if name == "AUTHENTICATE" {
            guard let text = credentials.1, let data = Data(base64Encoded: text) else {
                return try complete("NO only with an initial response")
            }
            let fields = data.split(separator: 0, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return try complete("BAD not PLAIN") }
            credentials = (String(decoding: fields[1], as: UTF8.self), String(decoding: fields[2], as: UTF8.self))
        }
        guard credentials == (model.user, model.password) else {
            return try complete("NO [AUTHENTICATIONFAILED] wrong user or password")
        }
        isAuthenticated = true
        try complete("OK [CAPABILITY \(model.capabilities.joined(separator: " "))] logged in")
    }

    private func authenticated(_ name: String, _ arguments: [ScriptedArgument], _ model: Model) throws {
        switch name {
        case "ID" where model.has("ID"):
            try wire.write("* ID (\"name\" \"scripted\" \"version\" \"1\")\r\n")
            try complete("OK done")
        case "ENABLE" where model.has("ENABLE"):
            let names = arguments.dropFirst(2).compactMap { $0.word?.uppercased() }
            if names.contains("QRESYNC"), model.has("QRESYNC") { isQuickResync = true }
            if names.contains("UTF8=ACCEPT"), model.has("UTF8=ACCEPT") { isUTF8 = true }
            if !model.faults.enableIsSilent { try wire.write("* ENABLED \(names.joined(separator: " "))\r\n") }
            try complete("OK done")
        case "NAMESPACE" where model.has("NAMESPACE"):
            try wire.write("* NAMESPACE \(model.namespaces)\r\n")
            try complete("OK done")
        case "LIST": try list(arguments, model)
        case "STATUS": try status(arguments, model)
        case "SELECT", "EXAMINE": try select(arguments, model)
        case "UNSELECT" where model.has("UNSELECT"):
            selected = nil
            try complete("OK done")
        case "IDLE" where model.has("IDLE"): try idle(model)
        case "NOTIFY" where model.has("NOTIFY"): try notify(model)
        case "CREATE": try create(arguments, model)
        case "SUBSCRIBE": try complete("OK done")
        case "APPEND": try append(arguments, model)
        case "UID":
            guard let mailbox = model.mailboxes.first(where: { $0.name == selected }) else {
                return try complete("BAD no mailbox is selected")
            }
            switch arguments.dropFirst(2).first?.word?.uppercased() {
            case "FETCH": try fetch(arguments, mailbox, model)
            case "SEARCH": try search(arguments, mailbox, model)
            case "STORE": try store(arguments, mailbox, model)
            case "COPY": try copy(arguments, mailbox, model, moves: false)
            case "MOVE" where model.has("MOVE"): try copy(arguments, mailbox, model, moves: true)
            case "EXPUNGE": try expunge(arguments, mailbox, model)
            default: try complete("BAD unknown UID command")
            }
        default: try complete("BAD unknown command")
        }
    }

    // MARK: Mailboxes

    private func list(_ arguments: [ScriptedArgument], _ model: Model) throws {
        var items: String?
        if arguments.count > 5 {
            guard model.has("LIST-EXTENDED"), let returns = arguments[5].list else {
                return try complete("BAD LIST takes two arguments")
            }
            if let place = returns.firstIndex(of: .word("STATUS")), place + 1 < returns.count {
                guard model.has("LIST-STATUS") else { return try complete("BAD no LIST-STATUS") }
                items = (returns[place + 1].list ?? []).compactMap(\.word).joined(separator: " ")
            }
        }
        let prefix = (arguments.count > 3 ? arguments[3].word ?? "" : "").prefix { $0 != "*" }
        for mailbox in model.mailboxes where mailbox.name.hasPrefix(prefix) {
            if let hidden = model.hiddenPrefix, mailbox.name.hasPrefix(hidden), !prefix.hasPrefix(hidden) { continue }
            let delimiter = mailbox.delimiter.map { "\"\($0)\"" } ?? "NIL"
            try wire.write(
                "* LIST (\(mailbox.attributes.joined(separator: " "))) \(delimiter) \(quoted(mailbox.name))\r\n")
            guard let items, !mailbox.attributes.contains("\\Noselect"),
                !model.faults.omittedStatus.contains(mailbox.name)
            else { continue }
            try writeStatus(mailbox, items, model)
        }
        try complete("OK done")
    }

    private func status(_ arguments: [ScriptedArgument], _ model: Model) throws {
        guard arguments.count > 3, let mailbox = mailbox(arguments[2], model) else {
            return try complete("NO [NONEXISTENT] no such mailbox")
        }
        try writeStatus(mailbox, (arguments[3].list ?? []).compactMap(\.word).joined(separator: " "), model)
        try complete("OK done")
    }

    private func writeStatus(_ mailbox: Mailbox, _ items: String, _ model: Model) throws {
        let values = items.split(separator: " ").map { item in
            switch item {
            case "MESSAGES": "MESSAGES \(mailbox.messages.count)"
            case "UIDNEXT": "UIDNEXT \(mailbox.uidNext)"
            case "UIDVALIDITY": "UIDVALIDITY \(mailbox.uidValidity)"
            case "HIGHESTMODSEQ": "HIGHESTMODSEQ \(model.faults.highestModSeq ?? String(mailbox.highestModSeq))"
            case "APPENDLIMIT": "APPENDLIMIT \(model.mailboxAppendLimit.map(String.init) ?? "NIL")"
            default: "\(item) 0"
            }
        }
        try wire.write("* STATUS \(quoted(mailbox.name)) (\(values.joined(separator: " ")))\r\n")
    }

    /// The mailbox a client of this session means.
    private func mailbox(_ argument: ScriptedArgument, _ model: Model) -> Mailbox? {
        model.mailboxes.first { named($0.name) == argument.word }
    }

    /// `name` as this session spells it.
    private func named(_ name: String) -> String {
        isUTF8 ? ModifiedUTF7.decode(Array(name.utf8)) ?? name : name
    }

    private func quoted(_ name: String) -> String {
        "\"" + named(name).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private func select(_ arguments: [ScriptedArgument], _ model: Model) throws {
        if let endless = model.faults.endless {
            while true { try wire.write(endless[...]) }
        }
        if let farewell = model.faults.farewell {
            try wire.write("* BYE \(farewell)\r\n")
            try wire.flush()
            throw ScriptedIMAPWire.Closed()
        }
        if isQuickResync, selected != nil { try wire.write("* OK [CLOSED] before\r\n") }
        selected = nil
        guard arguments.count > 2, let mailbox = mailbox(arguments[2], model),
            !mailbox.attributes.contains("\\Noselect")
        else { return try complete("NO [NONEXISTENT] no such mailbox") }
        let parameters = arguments.dropFirst(3).first?.list ?? []
        let isResync = parameters.first == .word("QRESYNC")
        guard parameters.isEmpty || model.has(isResync ? "QRESYNC" : "CONDSTORE"), !isResync || isQuickResync else {
            return try complete("BAD unknown parameter")
        }
        selected = mailbox.name
        let keywords = Set(mailbox.messages.flatMap(\.flags)).filter { !$0.hasPrefix("\\") }.sorted()
        let flags = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"] + keywords
        try wire.write(
            "* FLAGS (\(flags.joined(separator: " ")))\r\n* OK [PERMANENTFLAGS (\(permanentFlags(arguments, model)))] x\r\n"
        )
        try wire.write("* \(mailbox.messages.count) EXISTS\r\n* 0 RECENT\r\n")
        let isFalse = model.faults.falseExamine && arguments[1].word?.uppercased() == "EXAMINE"
        let uidValidity = mailbox.uidValidity + (isFalse ? 1 : 0)
        try wire.write("* OK [UIDVALIDITY \(uidValidity)] x\r\n* OK [UIDNEXT \(mailbox.uidNext)] x\r\n")
        if model.has("CONDSTORE") || model.has("QRESYNC") {
            let lie = model.faults.highestModSeq
            let code = lie == "" ? "NOMODSEQ" : "HIGHESTMODSEQ \(lie ?? String(mailbox.highestModSeq))"
            try wire.write("* OK [\(code)] x\r\n")
        }
        if isResync { try resync(parameters.dropFirst().first?.list ?? [], mailbox, model) }
        try complete("OK [\(arguments[1].word?.uppercased() == "SELECT" ? "READ-WRITE" : "READ-ONLY")] done")
    }

    private func resync(_ known: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        guard known.first?.word == String(mailbox.uidValidity), known.count > 1,
            let since = known[1].word.flatMap({ UInt64($0) })
        else { return }
        let gone = mailbox.expunged.filter { $0.modSeq > since }.map { String($0.uid) }
        let vanished = model.faults.falseVanished ?? gone.joined(separator: ",")
        if !vanished.isEmpty { try wire.write("* VANISHED (EARLIER) \(vanished)\r\n") }
        for (index, message) in mailbox.messages.enumerated() where message.modSeq > since {
            let flags = message.flags.joined(separator: " ")
            try wire.write(
                "* \(index + 1) FETCH (UID \(message.uid) FLAGS (\(flags)) MODSEQ (\(message.modSeq)))\r\n")
        }
    }
}
