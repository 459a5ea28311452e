import MailarcKit

/// A command line of imapsync, understood.
struct CopyArguments {
    private var values: [String: [String]] = [:]

    /// - Throws: `.usage` for what is no option, has no value, or is refused: with its replacement or the reason.
    init(_ arguments: [String]) throws(KitError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument.count > 2 else {
                throw KitError(
                    .usage, "not an option: \(argument.prefix(60))", hint: "mailarc copy --list-options names them all")
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = CopyOption.byName[name] else {
                throw KitError(
                    .usage, "--\(name.prefix(60)) is no option of imapsync or of this",
                    hint: "mailarc copy --list-options names them all")
            }
            let side = name.last.flatMap { option.name.contains("#") ? String($0) : nil }
            // A secret is not repeated, whatever else is said.
            try Self.refuse(option, name, side)
            guard option.hasValue else {
                guard parts.count == 1 else { throw KitError(.usage, "--\(name) takes no value") }
                values[name, default: []].append("")
                continue
            }
            guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                throw KitError(.usage, "--\(name) wants a value")
            }
            values[name, default: []].append(value)
        }
    }

    private static func refuse(_ option: CopyOption, _ name: String, _ side: String?) throws(KitError) {
        let text = option.verdict.text.split(separator: "#", omittingEmptySubsequences: false)
            .joined(separator: side ?? "#")
        switch option.verdict {
        case .replaced: throw KitError(.usage, "--\(name) is not taken", hint: "instead: \(text)")
        case .refused: throw KitError(.usage, "--\(name) is not taken: \(text)")
        case .taken, .needless: break
        }
    }

    /// Those that may be left out.
    var needless: [String] {
        values.keys.filter { name in
            if case .needless? = CopyOption.byName[name]?.verdict { true } else { false }
        }.sorted()
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    func all(_ name: String) -> [String] { values[name] ?? [] }
    /// The last one counts, as in imapsync.
    func last(_ name: String) -> String? { values[name]?.last }

    func number(_ name: String) throws(KitError) -> Int? {
        guard let text = last(name) else { return nil }
        guard let number = Int(text), number >= 0, number < 1 << 52 else {
            throw KitError(.usage, "--\(name) takes a number, not \(text.prefix(40))")
        }
        return number
    }

    // MARK: What it asks for

    /// The request, but for what is said by options of `mailarc`'s own.
    func request() throws(KitError) -> SyncRequest {
        var request = SyncRequest(strategy: .copy)
        request.isDryRun = has("dry")
        if has("delete2") { request.bends.append("delete-extra") }
        if has("noresyncflags") { request.bends.append("no-flags") }
        if has("nosyncduplicates") { request.bends.append("imapsync-compat") }
        (request.skipsEmptyMailboxes, request.deletesExtraMailboxes) = (has("skipemptyfolders"), has("delete2folders"))
        (request.subfolder, request.sourceSubfolder) = (last("subfolder2"), last("subfolder1"))
        request.usesSpecialUse = has("automap")
        if has("delete1") { request.sourceDeletionAge = 0 }
        for text in all("f1f2") {
            guard let rule = SelectionOptions.rule(text) else {
                throw KitError(.usage, "--f1f2 takes FROM=TO, not \(text.prefix(80))")
            }
            request.singleMap.append(rule)
        }
        request.selection = try selection()
        return request
    }

    /// `limits`, narrowed by what the command line says.
    func limits(_ limits: SyncLimits) throws(KitError) -> SyncLimits {
        var limits = limits
        if has("gmail1") { limits.sourceProvider = .gmail }
        if has("gmail2") { limits.destinationProvider = .gmail }
        if let rate = try number("maxbytespersecond"), rate > 0 { limits.maxRate = rate }
        if let text = last("maxmessagespersecond") {
            guard let rate = Double(text), rate > 0, rate.isFinite else {
                throw KitError(.usage, "--maxmessagespersecond takes a number above 0, not \(text.prefix(40))")
            }
            limits.maxMessagesPerSecond = rate
        }
        return limits
    }

    private func selection() throws(KitError) -> SyncSelection {
        var selection = SyncSelection()
        selection.mailboxes =
            all("folder").map { .named($0) } + all("folderrec").map { .tree($0) }
            + all("include").map { .expression($0) }
        selection.excludedMailboxes = all("exclude").map { .expression($0) }
        selection.maximumOctets = try number("maxsize").map { $0 - 1 }
        selection.minimumOctets = try number("minsize").map { $0 + 1 }
        selection.maximumAge = try number("maxage").map { Int64($0) * 86_400 }
        selection.minimumAge = try number("minage").map { Int64($0) * 86_400 }
        selection.takesEitherAge = true
        selection.agesBySentDate = !["noabletosearch", "noabletosearch1", "noabletosearch2"].contains(where: has)
        for program in all("search") + all("search1") { try selection.narrow(by: program) }
        return selection
    }

    /// One end.
    func endpoint(_ side: Int) throws(KitError) -> SyncEndpoint {
        func value(_ name: String) -> String? { last("\(name)\(side)") }
        let preset = has("gmail\(side)") ? "imap.gmail.com" : has("office\(side)") ? "outlook.office365.com" : nil
        guard let host = value("host") ?? preset, !host.isEmpty else {
            throw KitError(
                .usage, "--host\(side) is missing", hint: "--host1 --user1 --passfile1 --host2 --user2 --passfile2")
        }
        guard let user = value("user"), !user.isEmpty else { throw KitError(.usage, "--user\(side) is missing") }
        let port = try number("port\(side)")
        let security: AccountConfiguration.Security =
            if has("ssl\(side)") { .tls } else if has("nossl\(side)"), has("notls\(side)") {
                .plain
            } else if has("nossl\(side)") || has("tls\(side)") || (port == 143 && !has("notls\(side)")) {
                .starttls
            } else { .tls }
        var account = AccountConfiguration(
            name: "\(user)@\(host)", host: host, port: port ?? (security == .tls ? 993 : 143), user: user,
            security: security, mechanism: try mechanism(side), password: try password(side, "\(user)@\(host)"))
        for argument in all("sslargs\(side)") {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.last) {
            case ("SSL_ca_file", let path?) where parts.count == 2: account.caFile = path
            case ("SSL_verify_mode", "0"): account.verifiesCertificate = false
            case ("SSL_verify_mode", "1"): account.verifiesCertificate = true
            default:
                throw KitError(.usage, "--sslargs\(side) takes SSL_ca_file=PATH and SSL_verify_mode=0|1")
            }
        }
        return .account(account)
    }

    private func mechanism(_ side: Int) throws(KitError) -> AccountConfiguration.Mechanism {
        guard let name = last("authmech\(side)") else {
            return last("oauthaccesstoken\(side)") == nil ? .automatic : .xoauth2
        }
        guard let mechanism = AccountConfiguration.Mechanism(rawValue: name.lowercased()) else {
            throw KitError(
                .usage,
                "--authmech\(side) takes PLAIN, LOGIN, SCRAM-SHA-256, OAUTHBEARER or XOAUTH2, not \(name.prefix(40))")
        }
        return mechanism
    }

    private func password(_ side: Int, _ name: String) throws(KitError) -> @Sendable () throws -> [UInt8] {
        if let file = last("oauthaccesstoken\(side)") {
            guard Secrets.isReadable(file) else {
                // The value may be the token itself: it is not repeated.
                throw KitError(
                    .usage, "--oauthaccesstoken\(side) takes the name of a file that holds the token",
                    hint: "a token on the command line is seen by everybody on the machine")
            }
            let token = Secrets.trimmed(try Secrets.file(file, what: "token"))
            return { token }
        }
        if let file = last("passfile\(side)") {
            // imapsync takes the first line.
            let line = try Secrets.file(file, what: "password").prefix { $0 != 0x0A && $0 != 0x0D }
            return { Array(line) }
        }
        if let variable = Secrets.variable("IMAPSYNC_PASSWORD\(side)"), !variable.isEmpty {
            return { Array(variable.utf8) }
        }
        return { try Secrets.prompt("Password of \(name): ") }
    }
}
