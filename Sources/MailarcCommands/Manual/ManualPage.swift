import FoundationEssentials

/// Manual pages of the command tree, made from what ArgumentParser says of it.
struct ManualPage {
    var fileName: String
    var text: String

    /// One page a command, `mailarc.1` first.
    static func all(of help: String) throws -> [ManualPage] {
        let tool = try JSONDecoder().decode(Tool.self, from: Data(help.utf8))
        return pages(tool.command, path: [])
    }

    private static func pages(_ command: Command, path: [String]) -> [ManualPage] {
        let path = path + [command.commandName]
        let shown = (command.subcommands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" }
        return [page(command, path, shown)] + shown.flatMap { pages($0, path: path) }
    }

    private static func page(_ command: Command, _ path: [String], _ subcommands: [Command]) -> ManualPage {
        let name = path.joined(separator: "-")
        var roff = Roff()
        roff.macro("TH", [name.uppercased(), "1", "", "mailarc \(Version.number)", "mailarc manual"])
        roff.section("NAME")
        roff.text("\(name) \\- \(Roff.escaped(command.abstract ?? ""))", isEscaped: true)
        let arguments = (command.arguments ?? []).filter { $0.shouldDisplay ?? true }
        roff.section("SYNOPSIS")
        roff.text(
            "\\fB\(Roff.escaped(path.joined(separator: " ")))\\fR "
                + (subcommands.isEmpty
                    ? arguments.map(\.synopsis).joined(separator: " ") : "\\fIcommand\\fR [\\fIoptions\\fR]"),
            isEscaped: true)
        if let discussion = command.discussion, !discussion.isEmpty {
            roff.section("DESCRIPTION")
            roff.discussion(discussion)
        }
        if !subcommands.isEmpty {
            roff.section("COMMANDS")
            for each in subcommands {
                roff.item(
                    "\\fB\(Roff.escaped((path + [each.commandName]).joined(separator: "-")))\\fR(1)",
                    each.abstract ?? "")
            }
        }
        if !arguments.isEmpty {
            roff.section("OPTIONS")
            for argument in arguments { roff.item(argument.heading, argument.explanation) }
        }
        if path.count == 1 { roff.discussion(files) }
        if path.count > 1 {
            roff.section("SEE ALSO")
            roff.text("\\fB\(Roff.escaped(path.dropLast().joined(separator: "-")))\\fR(1)", isEscaped: true)
        }
        return ManualPage(fileName: name + ".1", text: roff.result)
    }

    private static let files = """
        ENVIRONMENT:
          MAILARC_ARCHIVE          the archive folder where -a is not given
          XDG_CONFIG_HOME          where the configuration is looked for (default ~/.config)
          NO_COLOR                 any value: no colour
          PATH                     where plug-ins mailarc-NAME are looked for

        FILES:
          ~/.config/mailarc/config.toml    accounts; the file names of secrets, never secrets
        """

    // What ArgumentParser's JSON has, as far as pages need it.
    private struct Tool: Decodable { var command: Command }

    private struct Command: Decodable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var shouldDisplay: Bool?
        var arguments: [Argument]?
        var subcommands: [Command]?
    }

    private struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String
            var text: String { kind == "short" ? "-\(name)" : "--\(name)" }
        }
        var kind: String
        var names: [Name]?
        var preferredName: Name?
        var valueName: String?
        var abstract: String?
        var defaultValue: String?
        var isOptional: Bool?
        var isRepeating: Bool?
        var shouldDisplay: Bool?
        var allValues: [String]?

        private var value: String { "\\fI\(Roff.escaped(valueName ?? "value"))\\fR" }

        var heading: String {
            guard kind != "positional" else { return value }
            let all = (names ?? []).map { "\\fB\(Roff.escaped($0.text))\\fR" }.joined(separator: ", ")
            return kind == "flag" ? all : all + " " + value
        }

        var synopsis: String {
            var text = value
            if kind != "positional" {
                let name = "\\fB\(Roff.escaped(preferredName?.text ?? ""))\\fR"
                text = kind == "flag" ? name : name + " " + value
            }
            if isRepeating ?? false { text += " ..." }
            return isOptional ?? false ? "[\(text)]" : text
        }

        var explanation: String {
            var text = abstract ?? ""
            if let allValues, !allValues.isEmpty { text += " One of " + allValues.joined(separator: ", ") + "." }
            if let defaultValue, !defaultValue.isEmpty { text += " Default: \(defaultValue)." }
            return text
        }
    }
}

/// Lines of a manual page in the macros of man(7).
struct Roff {
    private(set) var result = ""

    mutating func macro(_ name: String, _ arguments: [String]) {
        let quoted = arguments.map { "\"" + Self.escaped($0) + "\"" }
        result += ".\(name) \(quoted.joined(separator: " "))\n"
    }

    mutating func section(_ title: String) { result += ".SH \"\(Self.escaped(title))\"\n" }

    mutating func text(_ text: String, isEscaped: Bool = false) {
        result += Self.guarded(isEscaped ? text : Self.escaped(text)) + "\n"
    }

    mutating func item(_ heading: String, _ text: String) {
        result += ".TP\n" + Self.guarded(heading) + "\n"
        self.text(text.isEmpty ? " " : text)
    }

    /// A help text: `WORDS:` starts a section, indented lines stand as they are.
    mutating func discussion(_ discussion: String) {
        var isVerbatim = false
        for line in discussion.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = line.hasPrefix("  ")
            if isIndented != isVerbatim { result += isIndented ? ".nf\n" : ".fi\n" }
            isVerbatim = isIndented
            if line.isEmpty {
                result += ".PP\n"
            } else if !isIndented, line.hasSuffix(":"), line == line.uppercased() {
                section(String(line.dropLast()))
            } else {
                text(String(line))
            }
        }
        if isVerbatim { result += ".fi\n" }
    }

    /// `text` as roff prints it: backslashes and hyphens meant as such.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            case "…": result += "..."
            default: result.append(character)
            }
        }
        return result
    }

    /// A line that starts like a request is none.
    private static func guarded(_ line: String) -> String {
        line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }
}
