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
            if let limit = model.quirks.connectionLimit, server.connections.count >= limit.count,
                case .byeAtGreeting(let text) = limit.surplus
            {
                _ = server.admit(limit.count)
                try goodbye(text)
            }
            if let greeting = model.faults.greeting {
                try wire.write(greeting[...])
            } else {
                try wire.write("* OK \(capabilityCode(model))\(model.greeting)\r\n")
            }
            var isEarly = false
            while let command = try wire.readCommand() {
                let isNextEarly = server.model.faults.refusesPipelining && wire.hasMore()
                let arguments = ScriptedArgument.parse(command, isLatin1: server.model.quirks.isLatin1)
                raw = command
                if isEarly {
                    server.countEarly()
                    try wire.write("\(arguments.first?.word ?? "*") BAD not so fast\r\n")
                } else {
                    guard try answer(arguments) else { break }
                }
                isEarly = isNextEarly
            }
            try wire.flush()
        } catch {}
        if isAuthenticated { server.leave(lingering: server.model.quirks.lingering) }
        wire.drain()
    }

    private func capabilityCode(_ model: Model) -> String {
        model.quirks.tellsNoCapabilities ? "" : "[CAPABILITY \(model.capabilities.joined(separator: " "))] "
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
        try leave(Self.whole(name, arguments), model)
        if let limit = model.quirks.commandOctetLimit, raw.prefix(while: { $0 != 10 }).count > limit {
            try complete("BAD command line too long")
            return true
        }
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
        case "AUTHENTICATE" where arguments.count > 2 && arguments[2].word?.contains("AUTH") == true:
            try logInByToken(arguments, model)
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
        let whole = Self.whole(name, arguments)
        guard let denial = model.faults.denials[whole], denial.times > 0 else { return false }
        server.update { $0.faults.denials[whole]?.times -= 1 }
        try complete(denial.text)
        return true
    }

    /// `UID FETCH` for what begins with UID.
    private static func whole(_ name: String, _ arguments: [ScriptedArgument]) -> String {
        name == "UID" ? "UID " + (arguments.dropFirst(2).first?.word?.uppercased() ?? "") : name
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
        guard try isAdmitted(model) else { return }
        isAuthenticated = true
        try complete("OK \(capabilityCode(model))logged in")
    }

    /// XOAUTH2 and OAUTHBEARER, with an initial response or without; a refusal is told as a challenge first. RFC 7628
    private func logInByToken(_ arguments: [ScriptedArgument], _ model: Model) throws {
        func answer(to challenge: String) throws -> String {
            try wire.write("+ \(challenge)\r\n")
            return String(decoding: try wire.readCommand() ?? [], as: UTF8.self).trimmingCharacters(in: .newlines)
        }
        let response = try arguments.count > 3 ? arguments[3].word ?? "" : answer(to: "")
        let pieces = Data(base64Encoded: response)?.split(separator: 1) ?? []
        let fields = pieces.map { String(decoding: $0, as: UTF8.self) }
        let user = model.has("AUTH=OAUTHBEARER") ? "n,a=\(model.user)," : "user=\(model.user)"
        let token = fields.last.flatMap { $0.hasPrefix("auth=Bearer ") ? String($0.dropFirst(12)) : nil }
        guard fields.first == user, let token, model.tokens.contains(token) else {
            let problem = Data(#"{"status":"invalid_token","schemes":"bearer","scope":"mail"}"#.utf8)
            server.log("answered " + (try answer(to: problem.base64EncodedString())))
            return try complete("NO [AUTHENTICATIONFAILED] that token is not known")
        }
        guard try isAdmitted(model) else { return }
        isAuthenticated = true
        try complete("OK \(capabilityCode(model))logged in")
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
        case "DELETE": try delete(arguments, model)
        case "SUBSCRIBE", "UNSUBSCRIBE": try complete("OK done")
        case "APPEND": try append(arguments, model)
        case "UID":
            guard let mailbox = model.mailboxes.first(where: { $0.name == selected }).map({ shown($0, model) }) else {
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
}
