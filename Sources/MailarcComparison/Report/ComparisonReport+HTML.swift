extension ComparisonReport {
    /// The report as one page that needs nothing else: no network, no script; light and dark, on a telephone, printed.
    public var html: String {
        let tables = ReportTables(self)
        var parts = ["<h1>Strategies compared</h1><p>\(Self.escaped(tables.preface))</p>"]
        if let rating = tables.rating {
            parts.append(Self.table(rating, isGraded: true))
            parts.append(
                "<p class=\"small\">In brackets: the case study’s own grade (2018). *: in part a judgement, declared "
                    + "in the rules.</p>")
        }
        if !outcomes.isEmpty {
            parts.append(Self.table(tables.totals))
            parts.append(behaviourTable)
            parts.append(Self.table(tables.claims))
        }
        if let performance { parts += Self.charts(performance) }
        parts += tables.performance.map { Self.table($0) }
        parts += [tables.studyTimes, tables.sizes, tables.rules].compactMap { $0 }.map { Self.table($0) }
        parts.append(Self.table(tables.contenders))
        if let evidence = tables.evidence { parts.append(Self.table(evidence)) }
        if !outcomes.isEmpty { parts.append(evidenceOfCells) }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Strategies compared</title><style>\(Self.style)</style></head>
            <body><main>
            \(parts.joined(separator: "\n"))
            </main></body></html>

            """
    }

    private static let style = """
        :root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#c9d1d9;--head:#f1f4f7;--good:#0b6e3b;--bad:#a4262c;--bar:#2f6fb0;--floor:#8a8f98}
        @media(prefers-color-scheme:dark){:root{--fg:#e6e9ec;--bg:#14171a;--line:#3c444d;--head:#20262c;--good:#5fd08f;--bad:#ff8f8f;--bar:#6ea8e0;--floor:#7b828c}}
        body{margin:0;font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
        main{max-width:1400px;margin:auto;padding:1rem}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
        .wide{overflow-x:auto;border:1px solid var(--line)}.chart{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:.87rem}
        th,td{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;min-width:4rem}
        th{background:var(--head)}th[scope=row]{position:sticky;left:0}
        .good{color:var(--good)}.bad{color:var(--bad);font-weight:600}.small{font-size:.85rem}
        a{color:inherit}details{margin:.4rem 0;border-left:3px solid var(--line);padding-left:.6rem}
        summary{cursor:pointer}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.78rem;background:var(--head);padding:.5rem;margin:.3rem 0}
        svg{width:100%;height:auto;min-width:660px;max-width:900px;display:block}svg text{fill:var(--fg);font:13px system-ui,sans-serif}
        @media print{.wide,.chart{overflow:visible}svg{min-width:0}th[scope=row]{position:static}details{break-inside:avoid}}
        """

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    private static func table(_ table: ReportTables.Table, isGraded: Bool = false) -> String {
        guard table.rows.count > 1 else { return "" }
        let rows = table.rows.enumerated().map { place, row in
            let cells = row.enumerated().map { column, text in
                if place == 0 { return "<th scope=\"col\">\(escaped(text))</th>" }
                if column == 0 { return "<th scope=\"row\">\(escaped(text))</th>" }
                let kind = isGraded || ["agrees", "differs"].contains(text) ? grade(text) : ""
                return "<td\(kind)>\(escaped(text))</td>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return "<h2>\(escaped(table.title))</h2><div class=\"wide\" tabindex=\"0\"><table>"
            + "\(rows.joined(separator: "\n"))</table></div>"
    }

    /// Colour says nothing that the text does not.
    private static func grade(_ text: String) -> String {
        if text.hasPrefix("+") || text == "agrees" { return " class=\"good\"" }
        return text.hasPrefix("-") || text == "differs" ? " class=\"bad\"" : ""
    }

    private static func anchor(_ outcome: Outcome) -> String { "c-\(outcome.contender)-\(outcome.scenario)" }

    /// The matrix; each cell leads to its evidence.
    private var behaviourTable: String {
        let columns = runContenders
        let head =
            "<tr><th scope=\"col\">scenario</th>"
            + columns.map { "<th scope=\"col\">\(Self.escaped($0.name))</th>" }.joined() + "</tr>"
        let rows = scenarios.map { scenario in
            let cells = columns.map { contender in
                guard let outcome = outcome(contender.id, scenario.id) else { return "<td>not run</td>" }
                let kind = outcome.keepsMail ? (outcome.summary == "ok" ? " class=\"good\"" : "") : " class=\"bad\""
                return "<td\(kind)><a href=\"#\(Self.anchor(outcome))\">\(Self.escaped(outcome.summary))</a></td>"
            }
            return "<tr><th scope=\"row\">\(Self.escaped(scenario.title))</th>\(cells.joined())</tr>"
        }
        return "<h2>Behaviour</h2><div class=\"wide\" tabindex=\"0\"><table>\(head)\(rows.joined(separator: "\n"))"
            + "</table></div>"
    }

    /// What was said, folded away.
    private static func wireLogs(_ wire: Outcome.Wire?) -> String {
        [("source", wire?.sourceLog), ("archive", wire?.archiveLog)].map { side, log in
            guard let log, !log.isEmpty else { return "" }
            let text = escaped(log.joined(separator: "\n"))
            return "<details><summary>wire log, \(side)</summary><pre>\(text)</pre></details>"
        }.joined()
    }

    private var evidenceOfCells: String {
        let cells = outcomes.map { outcome in
            let title = "\(outcome.contender), \(outcome.scenario): \(outcome.summary)"
            let runs = outcome.runs.map { run in
                var lines = ["$ \(run.command)", "exit \(run.exitCode), \(run.seconds.text(2)) s"]
                if !run.sourceChanges.isEmpty { lines.append("source: \(run.sourceChanges.joined(separator: "  "))") }
                if !run.archiveChanges.isEmpty {
                    lines.append("archive: \(run.archiveChanges.joined(separator: "  "))")
                }
                lines += run.source.details.map { "source: \($0)" } + run.archive.details.map { "archive: \($0)" }
                if let wire = run.wire {
                    lines.append(
                        "wire: \(wire.connections) connections; source \(wire.octetsFromSource) octets out, "
                            + "\(wire.octetsToSource) in; archive \(wire.octetsFromArchive) out, "
                            + "\(wire.octetsToArchive) in")
                    lines.append("source's commands: \(wire.sourceCommands.joined(separator: ", "))")
                    lines.append("archive's commands: \(wire.archiveCommands.joined(separator: ", "))")
                }
                lines.append(String(run.output.suffix(700)))
                return "<p class=\"small\">run: \(Self.escaped(run.label))</p>"
                    + "<pre>\(Self.escaped(lines.joined(separator: "\n")))</pre>" + Self.wireLogs(run.wire)
            }
            return "<details id=\"\(Self.anchor(outcome))\"><summary>\(Self.escaped(title))</summary>"
                + "\(runs.joined())</details>"
        }
        return "<h2>Evidence of the cells</h2>\(cells.joined(separator: "\n"))"
    }
}
