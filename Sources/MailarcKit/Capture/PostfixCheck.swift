/// What a Postfix lacks for its mail to be archived.
public struct PostfixFinding: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        /// Mail is not archived, or not all of it.
        case missing
        /// Something happens that is not wanted.
        case warning
    }
    public var kind: Kind
    /// The parameter it is about.
    public var parameter: String
    /// What is wrong, and what would be right.
    public var text: String
}

/// Answers what `postconf` and `postmap` answer.
public struct PostfixFacts: Sendable {
    /// The value of a parameter, expanded.
    public var parameter: @Sendable (String) throws(KitError) -> String
    /// What a map, `type:name`, has for a key; `nil`: nothing.
    public var lookup: @Sendable (_ map: String, _ key: String) throws(KitError) -> String?
    /// Parameters that master.cf gives single services, `smtp/inet/relayhost`.
    public var overrides: @Sendable () throws(KitError) -> [String]

    public init(
        parameter: @escaping @Sendable (String) throws(KitError) -> String,
        lookup: @escaping @Sendable (String, String) throws(KitError) -> String?,
        overrides: @escaping @Sendable () throws(KitError) -> [String]
    ) {
        (self.parameter, self.lookup, self.overrides) = (parameter, lookup, overrides)
    }

    /// Where the Postfix of this machine is configured; `nil` where there is none.
    public static var folder: String? {
        guard let result = try? ChildProcess.run("postconf", ["-h", "config_directory"], input: [], seconds: 30),
            result.status == 0
        else { return nil }
        let text = String(decoding: result.output, as: UTF8.self).split(separator: "\n").first.map(String.init)
        return text?.hasPrefix("/") == true ? text : nil
    }

    /// The Postfix configured in `folder`, through its own programs.
    public static func postfix(_ folder: String) -> PostfixFacts {
        PostfixFacts(
            parameter: { (name) throws(KitError) in
                let result = try ChildProcess.run("postconf", ["-c", folder, "-xh", name], input: [], seconds: 30)
                guard result.status == 0 else {
                    throw KitError(
                        .ioFailed, "postconf cannot read the configuration in \(folder)",
                        hint: "see what it says: postconf -c \(folder) \(name)")
                }
                return String(decoding: result.output, as: UTF8.self).split(separator: "\n").joined(separator: " ")
            },
            lookup: { (map, key) throws(KitError) in
                let result = try ChildProcess.run("postmap", ["-c", folder, "-q", key, map], input: [], seconds: 30)
                guard result.status == 0 || result.status == 1 else {
                    throw KitError(.ioFailed, "postmap cannot read \(map)")
                }
                let text = String(decoding: result.output, as: UTF8.self).split(separator: "\n").joined(separator: " ")
                return result.status == 0 && !text.isEmpty ? text : nil
            },
            overrides: { () throws(KitError) in
                let result = try ChildProcess.run("postconf", ["-c", folder, "-P"], input: [], seconds: 30)
                guard result.status == 0 else { throw KitError(.ioFailed, "postconf cannot read \(folder)/master.cf") }
                return String(decoding: result.output, as: UTF8.self).split(separator: "\n").compactMap { line in
                    line.split(separator: "=").first?.split(separator: " ").first.map(String.init)
                }
            })
    }
}

extension PostfixSetup {
    /// Everything that is missing or would surprise.
    public func findings(_ facts: PostfixFacts) throws(KitError) -> [PostfixFinding] {
        var findings: [PostfixFinding] = []
        for address in addresses {
            for (direction, name) in [(CaptureDirection.received, "recipient_bcc_maps"), (.sent, "sender_bcc_maps")] {
                let found = try lookup(facts, name, address)
                let wanted = target(address, direction)
                if found?.lowercased() != wanted {
                    let text = found.map { "has \($0), not \(wanted)" } ?? "has nothing; it should have \(wanted)"
                    findings.append(PostfixFinding(kind: .missing, parameter: name, text: "\(address) \(text)"))
                }
                for target in [CaptureDirection.received, .sent].map({ self.target(address, $0) })
                where try lookup(facts, name, target) != nil {
                    findings.append(
                        PostfixFinding(
                            kind: .warning, parameter: name, text: "\(target) is the archive's and has a BCC of its own"
                        ))
                }
            }
        }
        try checkRoute(facts, &findings)
        try checkRelay(facts, &findings)
        try checkCopies(facts, &findings)
        return findings
    }

    private func checkRoute(_ facts: PostfixFacts, _ findings: inout [PostfixFinding]) throws(KitError) {
        let wanted = "lmtp:\(socket)"
        let found = try lookup(facts, "transport_maps", domain)
        if found != wanted {
            findings.append(
                PostfixFinding(
                    kind: .missing, parameter: "transport_maps",
                    text: "\(domain) goes to \(found ?? "nowhere special"), not to \(wanted)"))
        }
        let domains = try facts.parameter("relay_domains").split { $0 == " " || $0 == "," }.map { $0.lowercased() }
        if !domains.contains(domain), !domains.contains(where: { $0.contains(":") }) {
            findings.append(
                PostfixFinding(
                    kind: .warning, parameter: "relay_domains",
                    text: "\(domain) is not in it: mail that names the archive itself comes from this machine only"))
        }
        if try facts.parameter("mydestination").split(whereSeparator: { $0 == " " || $0 == "," }).contains(domain[...])
        {
            findings.append(
                PostfixFinding(
                    kind: .missing, parameter: "mydestination",
                    text: "\(domain) is local here: its recipients are looked for among the users of this machine"))
        }
    }

    /// The way out, where there is to be another.
    private func checkRelay(_ facts: PostfixFacts, _ findings: inout [PostfixFinding]) throws(KitError) {
        for wanted in wanted where relay != nil {
            guard case .text(let value, _, let equivalents) = wanted.value else { continue }
            let found = try facts.parameter(wanted.parameter)
            guard found != value, !equivalents.contains(found) else { continue }
            findings.append(
                PostfixFinding(
                    kind: .missing, parameter: wanted.parameter,
                    text: "is \(found.isEmpty ? "empty" : found); it should be \(value)"))
        }
        for (sender, host) in relay?.senders.sorted(by: { $0.key < $1.key }) ?? []
        where try lookup(facts, "sender_dependent_relayhost_maps", sender) != host {
            findings.append(
                PostfixFinding(
                    kind: .missing, parameter: "sender_dependent_relayhost_maps",
                    text: "\(sender) does not go to \(host)")
            )
        }
        for key in relay?.keys ?? [] where try lookup(facts, "smtp_sasl_password_maps", key) == nil {
            findings.append(
                PostfixFinding(
                    kind: .missing, parameter: "smtp_sasl_password_maps", text: "there is no password for \(key)"))
        }
    }

    /// Copies too many, and copies too few.
    private func checkCopies(_ facts: PostfixFacts, _ findings: inout [PostfixFinding]) throws(KitError) {
        let always = try facts.parameter("always_bcc")
        if always.lowercased().hasSuffix("@\(domain)") {
            findings.append(
                PostfixFinding(
                    kind: .warning, parameter: "always_bcc",
                    text: "\(always) is the archive's, too: every message is archived once more"))
        }
        let overrides = try facts.parameter("receive_override_options")
        guard !overrides.contains("no_address_mappings") else { return }
        for name in ["content_filter", "smtpd_proxy_filter"] where try !facts.parameter(name).isEmpty {
            findings.append(
                PostfixFinding(
                    kind: .warning, parameter: name,
                    text: "what the filter hands in again is copied again: set "
                        + "receive_override_options=no_address_mappings on one side of it"))
        }
    }

    /// The first answer of the maps a parameter names.
    private func lookup(_ facts: PostfixFacts, _ parameter: String, _ key: String) throws(KitError) -> String? {
        for map in try facts.parameter(parameter).split(whereSeparator: { $0 == " " || $0 == "," }) {
            if let found = try facts.lookup(String(map), key) { return found }
        }
        return nil
    }
}
