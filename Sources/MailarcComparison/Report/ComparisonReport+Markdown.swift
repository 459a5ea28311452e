extension ComparisonReport {
    /// The report as Markdown.
    public var markdown: String {
        let tables = ReportTables(self)
        var parts = ["# Strategies compared", tables.preface]
        var shown: [ReportTables.Table] = [tables.contenders]
        if !outcomes.isEmpty { shown += [tables.totals, tables.behaviour, tables.claims] }
        shown +=
            tables.performance
            + [tables.studyTimes, tables.sizes, tables.rating, tables.rules, tables.evidence].compactMap { $0 }
        for table in shown where table.rows.count > 1 {
            parts.append("## \(table.title)")
            parts.append(Self.markdown(table.rows))
            if table.title == "Rating" {
                parts.append("In brackets: the case study's own grade (2018). *: in part a judgement, declared below.")
            }
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static func markdown(_ rows: [[String]]) -> String {
        let lines = rows.map { row in
            "| " + row.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }.joined(separator: " | ") + " |"
        }
        let rule = "|" + String(repeating: "---|", count: rows.first?.count ?? 1)
        return ([lines[0], rule] + lines.dropFirst()).joined(separator: "\n")
    }
}
