import Glibc

extension ComparisonReport {
    /// A chart for each phase: bars of the medians on a logarithmic scale, with the numbers as text.
    static func charts(_ measured: PerformanceReport) -> [String] {
        PerformanceReport.phases.compactMap { phase, title in
            let rows = measured.rows(phase)
            return rows.isEmpty ? nil : "<h2>\(escaped(title))</h2>" + chart(rows, title)
        }
    }

    private static let rowHeight = 26.0
    private static let labelWidth = 230.0
    private static let barWidth = 480.0

    private static func chart(_ rows: [PerformanceReport.Row], _ title: String) -> String {
        let values = rows.map { max($0.median, 0.001) }
        // From a power of ten below the least to one above the greatest.
        let low = floor(log10(values.min() ?? 1))
        let high = max(low + 1, ceil(log10(values.max() ?? 1)))
        let height = rowHeight * Double(rows.count) + 28
        func place(_ value: Double) -> Double { (log10(value) - low) / (high - low) * barWidth }
        let grid = stride(from: low, through: high, by: 1).map { power in
            let x = labelWidth + (power - low) / (high - low) * barWidth
            return "<line x1=\"\(x.text(1))\" x2=\"\(x.text(1))\" y1=\"0\" y2=\"\((height - 22).text(1))\" "
                + "stroke=\"var(--line)\"/><text x=\"\(x.text(1))\" y=\"\((height - 6).text(1))\" "
                + "text-anchor=\"middle\">\(pow(10, power).text(power < 0 ? Int(-power) : 0)) s</text>"
        }
        let bars = zip(rows, values).enumerated().map { number, pair in
            let (row, value) = pair
            let y = rowHeight * Double(number)
            let fill = row.contender.hasPrefix("floor-") ? "--floor" : "--bar"
            let width = max(2, place(value))
            return "<text x=\"\((labelWidth - 8).text(1))\" y=\"\((y + 17).text(1))\" text-anchor=\"end\">"
                + "\(escaped(row.name))</text><rect x=\"\(labelWidth.text(1))\" y=\"\((y + 4).text(1))\" "
                + "width=\"\(width.text(1))\" height=\"18\" fill=\"var(\(fill))\"/>"
                + "<text x=\"\((labelWidth + width + 6).text(1))\" y=\"\((y + 17).text(1))\">"
                + "\(row.median.text(2))\(row.isComplete ? "" : " (incomplete)")</text>"
        }
        let told = rows.map { "\($0.name) \($0.median.text(2)) s" }.joined(separator: "; ")
        let label = "\(title), wall clock, logarithmic: \(told)"
        return "<div class=\"chart\" tabindex=\"0\"><svg role=\"img\" aria-label=\"\(escaped(label))\" "
            + "viewBox=\"0 0 800 \(height.text(0))\"><title>\(escaped(title))</title>"
            + "<desc>\(escaped(told))</desc>\(grid.joined())\(bars.joined())</svg></div>"
    }
}
