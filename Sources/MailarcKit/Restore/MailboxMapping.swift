package import MailCore

/// From the archive's mailbox names to those of the account they are restored to.
package struct MailboxMapping {
    /// Roles an account has a mailbox of its own for; the others (`\All`, `\Flagged`) are views.
    private static let roles: Set<MailboxRole> = [.sent, .drafts, .trash, .junk, .archive]

    package struct Rule: Sendable {
        package var from: String
        package var to: String
        package init(from: String, to: String) { (self.from, self.to) = (from, to) }
    }

    private let hierarchy: StoreHierarchy
    private let prefix: String
    private let rules: [Rule]
    private var byRole: [MailboxRole: MailboxName] = [:]

    /// - Parameter listings: what the account has now.
    package init(
        hierarchy: StoreHierarchy, listings: [MailboxListing], prefix: String, rules: [Rule], usesRoles: Bool
    ) {
        self.hierarchy = StoreHierarchy(
            prefix: hierarchy.prefix, delimiter: hierarchy.delimiter ?? listings.first?.name.delimiter)
        (self.prefix, self.rules) = (prefix, rules)
        guard usesRoles, prefix.isEmpty else { return }
        for listing in listings where listing.isSelectable {
            guard let role = listing.role, Self.roles.contains(role), byRole[role] == nil else { continue }
            byRole[role] = listing.name
        }
    }

    /// The mailbox `name` goes to.
    ///
    /// - Parameters:
    ///   - isBelowInbox: the archived account keeps everything below INBOX (a namespace of its server, not a wish).
    ///   - account: a component above all, where several accounts are restored at once.
    package func target(
        of name: MailboxName, role: MailboxRole?, isBelowInbox: Bool, account: String?
    ) -> MailboxName {
        if let mapped = mapped(name) { return mapped }
        if account == nil, let role, !name.isInbox, let target = byRole[role] { return target }
        if account == nil, prefix.isEmpty, name.isInbox { return MailboxName("INBOX", delimiter: delimiter) }
        var components = name.components
        if isBelowInbox, components.count > 1, components.first?.uppercased() == "INBOX" { components.removeFirst() }
        let above = prefix.isEmpty ? [] : MailboxName(prefix, delimiter: splitter(of: prefix)).components
        return build(above + (account.map { [$0] } ?? []) + components)
    }

    /// What a mailbox that is made should be for; `nil` where the account has one for that.
    package func role(of name: MailboxName, _ role: MailboxRole?) -> MailboxRole? {
        guard prefix.isEmpty, !name.isInbox, let role, Self.roles.contains(role), byRole[role] == nil else {
            return nil
        }
        return role
    }

    private var delimiter: UInt8? { hierarchy.delimiter }

    /// The longest rule for `name` or what it lies below.
    private func mapped(_ name: MailboxName) -> MailboxName? {
        let text = name.text
        let separator = name.delimiter.map { String(UnicodeScalar($0)) }
        var best: (rule: Rule, rest: String)?
        for rule in rules where rule.from.utf8.count >= best?.rule.from.utf8.count ?? 0 {
            if text == rule.from || (name.isInbox && rule.from.uppercased() == "INBOX") {
                best = (rule, "")
            } else if let separator, text.hasPrefix(rule.from + separator) {
                best = (rule, String(text.dropFirst(rule.from.count + separator.count)))
            }
        }
        guard let best else { return nil }
        let above = MailboxName(best.rule.to, delimiter: splitter(of: best.rule.to)).components
        guard !best.rest.isEmpty else { return build(above, isWhole: true) }
        return build(above + MailboxName(best.rest, delimiter: name.delimiter).components, isWhole: true)
    }

    /// A name somebody typed is parted by the account's delimiter, or by `/` where it has none of those.
    private func splitter(of text: String) -> UInt8? {
        guard let delimiter else { return nil }
        return text.utf8.contains(delimiter) ? delimiter : UInt8(ascii: "/")
    }

    /// - Parameter isWhole: the name was typed as the account spells it; no prefix is added to one that has it.
    private func build(_ components: [String], isWhole: Bool = false) -> MailboxName {
        var octets: [UInt8] = []
        for component in components {
            if !octets.isEmpty, let delimiter { octets.append(delimiter) }
            if !octets.isEmpty, delimiter == nil { octets.append(UInt8(ascii: "-")) }
            octets += safe(component)
        }
        let name = MailboxName(octets: octets, delimiter: delimiter)
        guard !name.isInbox, !(isWhole && octets.starts(with: hierarchy.prefix)) else { return name }
        return MailboxName(octets: hierarchy.prefix + octets, delimiter: delimiter)
    }

    /// One component: the delimiter and control characters become `_`, as does nothing at all.
    private func safe(_ component: String) -> [UInt8] {
        var result = ""
        for scalar in component.unicodeScalars {
            let isBad = scalar.value < 0x20 || scalar.value == 0x7F || delimiter.map { UInt32($0) } == scalar.value
            result.unicodeScalars.append(isBad ? "_" : scalar)
        }
        return ModifiedUTF7.encode(result.isEmpty ? "_" : result)
    }
}
