/// What has to change in a Postfix's files for mail to be archived; nothing is written until it is applied.
public struct PostfixPlan: Sendable {
    /// One file, whole.
    struct Change: Sendable {
        var path: String
        /// `nil`: there is none yet.
        var before: String?
        var after: String
        /// It holds passwords.
        var isSecret: Bool
    }

    let folder: String
    /// Maps first: main.cf names what is there.
    var changes: [Change] = []
    /// `hash:/etc/postfix/transport`: made anew by postmap once its text is written.
    var tables: [String] = []

    public var isEmpty: Bool { changes.isEmpty }

    /// The lines that go and come, file by file; passwords are covered.
    public var differences: [PostfixDifference] {
        changes.map { change in
            func lines(_ text: String) -> [String] {
                text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            }
            func shown(_ line: String) -> String {
                guard change.isSecret, let end = line.firstIndex(where: \.isWhitespace) else { return line }
                return "\(line[..<end]) \(PostfixSetup.mask)"
            }
            var (removed, added): ([String], [String]) = ([], [])
            for step in lines(change.after).difference(from: lines(change.before ?? "")) {
                switch step {
                case .remove(_, let line, _): removed.append(shown(line))
                case .insert(_, let line, _): added.append(shown(line))
                }
            }
            return PostfixDifference(
                path: change.path, isNew: change.before == nil, removed: removed.reversed(), added: added)
        }
    }
}

/// What changes in one file. The JSON of `postfix --write --json` has these.
public struct PostfixDifference: Codable, Sendable {
    public var path: String
    public var isNew: Bool
    public var removed: [String]
    public var added: [String]
    /// The file as it was before; `nil` where there was none, or nothing is written.
    public var backup: String?
}

extension PostfixSetup {
    /// What has to change so that all that is wanted is there.
    ///
    /// - Throws: `.usage` for a configuration that says something else on purpose, or in a way that is not understood.
    public func plan(_ facts: PostfixFacts) throws(KitError) -> PostfixPlan {
        let wanted = wanted
        let names = Set(wanted.map(\.parameter))
        if let override = try facts.overrides().first(where: {
            names.contains(String($0.split(separator: "/").last ?? ""))
        }) {
            throw KitError(
                .usage, "master.cf sets \(override), whatever main.cf says", hint: "take it away, or write by hand")
        }
        let path = "\(folder)/main.cf"
        guard let before = try PostfixFile.read(path) else { throw KitError(.notFound, "there is no \(path)") }
        var main = PostfixMain(parsing: before)
        var plan = PostfixPlan(folder: folder)
        for item in wanted {
            let present = try main.value(of: item.parameter)
            switch item.value {
            case .text(let value, let replacing, let equivalents):
                if let present, present == value || equivalents.contains(present) { continue }
                guard present?.isEmpty ?? true || replacing.contains(present ?? "") else {
                    throw KitError(
                        .usage, "\(item.parameter) is \(present ?? ""), and \(value) is wanted",
                        hint: "change it by hand if that is meant; nothing was written")
                }
                main.set(item.parameter, value)
            case .word(let word, let otherwise):
                let words = try Self.words(of: present, item.parameter)
                guard !words.contains(where: { $0.lowercased() == word }) else { continue }
                main.set(item.parameter, words.isEmpty ? otherwise : "\(present ?? ""), \(word)")
            case .map(let path, let entries, let isSecret):
                let map = MapWanted(parameter: item.parameter, path: path, entries: entries, isSecret: isSecret)
                try add(map, present, facts, &main, &plan)
            }
        }
        if main.text != before {
            plan.changes.append(.init(path: path, before: before, after: main.text, isSecret: false))
        }
        return plan
    }

    private struct MapWanted {
        var parameter: String
        var path: String
        var entries: [(key: String, value: String)]
        var isSecret: Bool
    }

    /// Types whose maps are made of a text of the same name.
    private static let indexedTypes: Set<String> = ["hash", "btree", "lmdb", "cdb", "dbm", "sdbm"]

    private func add(
        _ map: MapWanted, _ present: String?, _ facts: PostfixFacts, _ main: inout PostfixMain,
        _ plan: inout PostfixPlan
    ) throws(KitError) {
        let written = try Self.words(of: present, map.parameter)
        let meant = present == nil ? [] : try Self.words(of: facts.parameter(map.parameter), map.parameter)
        let own = meant.first { $0.hasSuffix(":\(map.path)") }
        let type = own?.split(separator: ":").first.map(String.init)
        guard type == nil || type == "texthash" || Self.indexedTypes.contains(type ?? "") else {
            throw KitError(.usage, "\(own ?? "") in \(map.parameter) is no map of keys and values")
        }
        // What an earlier map says would count, and what it says is somebody's wish.
        for other in meant where other != own {
            for entry in map.entries {
                guard let found = try facts.lookup(other, entry.key), found != entry.value else { continue }
                throw KitError(
                    .usage,
                    "\(other) in \(map.parameter) has something else for \(entry.key)"
                        + (map.isSecret ? "" : ": \(found), not \(entry.value)"),
                    hint: "change it by hand if that is meant; nothing was written")
            }
        }
        if map.isSecret {
            try checkPasswords(map, meant, facts)
            if map.entries.isEmpty { return }
        }
        if own == nil {
            let list = written + ["texthash:\(map.path)"]
            main.set(map.parameter, list.joined(separator: ", "))
        }
        let before = try PostfixFile.read(map.path)
        var text = PostfixMapText(before ?? "")
        for entry in map.entries {
            let values = text.values(of: entry.key)
            guard values.isEmpty || values == [entry.value] else {
                throw KitError(
                    .usage,
                    "\(map.path) has something else for \(entry.key)"
                        + (map.isSecret ? "" : ": \(values.joined(separator: " and "))"),
                    hint: "change it by hand if that is meant; nothing was written")
            }
            if values.isEmpty { text.add(entry.key, entry.value) }
        }
        guard text.text != before ?? "" || before == nil else { return }
        plan.changes.append(.init(path: map.path, before: before, after: text.text, isSecret: map.isSecret))
        if let own, type != "texthash" { plan.tables.append(own) }
    }

    /// Passwords that nobody gave and nobody wrote would leave mail in the queue.
    private func checkPasswords(_ map: MapWanted, _ maps: [String], _ facts: PostfixFacts) throws(KitError) {
        for key in relay?.keys ?? [] where !map.entries.contains(where: { $0.key == key.lowercased() }) {
            var isThere = false
            for other in maps where !isThere { isThere = try facts.lookup(other, key) != nil }
            guard isThere else {
                throw KitError(
                    .usage, "there is no password for \(key)",
                    hint: "--relay-credentials FILE, with the line: \(key) USER:PASSWORD")
            }
        }
    }

    /// The words of a list.
    ///
    /// - Throws: `.usage` for what is more than a list of words.
    private static func words(of value: String?, _ parameter: String) throws(KitError) -> [String] {
        guard let value else { return [] }
        guard !value.contains("{"), !value.contains("\"") else {
            throw KitError(
                .usage, "\(parameter) is written in a way that is not understood here: \(value)",
                hint: "write it by hand: mailarc postfix without --write prints the lines")
        }
        return value.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }
}
