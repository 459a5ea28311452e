import MailCore

/// Numbers, sizes and tables as people read them.
package enum Format {
    /// `1,234,567`
    package static func count(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// `17 B`, `3.2 KiB`, `1.4 GiB`
    package static func octets(_ value: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var size = Double(value)
        var unit = 0
        while size >= 1024 && unit < units.count - 1 {
            size /= 1024
            unit += 1
        }
        return unit == 0 ? "\(value) B" : tenths(size) + " " + units[unit]
    }

    /// One decimal.
    package static func tenths(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(abs(scaled % 10))"
    }

    /// `1 message`, `2 messages`
    package static func plural(_ value: Int, _ noun: String) -> String {
        value == 1 ? "1 \(noun)" : count(value) + " " + (irregular[noun] ?? noun + "s")
    }

    private static let irregular = ["mailbox": "mailboxes", "leaf": "leaves", "copy": "copies"]

    /// `0:07`, `1:02:03`
    package static func duration(_ seconds: Int) -> String {
        func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return hours > 0
            ? "\(hours):\(pad(minutes)):\(pad(seconds % 60))" : "\(minutes):\(pad(seconds % 60))"
    }

    /// `30 days`, `12 hours`, `90 seconds`: in the largest unit that comes out even.
    package static func period(seconds: Int64) -> String {
        for (unit, noun) in [(86_400, "day"), (3_600, "hour")] as [(Int64, String)] where seconds % unit == 0 {
            return plural(Int(seconds / unit), noun)
        }
        return plural(Int(seconds), "second")
    }

    /// Columns of equal width, two spaces apart; `right` names the ones to align right.
    package static func table(_ rows: [[String]], right: Set<Int> = []) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let fill = String(repeating: " ", count: widths[column] - cell.count)
                return right.contains(column) ? fill + cell : column == columns - 1 ? cell : cell + fill
            }
            return cells.joined(separator: "  ")
        }
    }

    /// At most `width` characters, an ellipsis where cut.
    package static func clipped(_ text: String, to width: Int) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count <= width ? line : String(line.prefix(width - 1)) + "…"
    }

    /// The first and last second that `text` (`YYYY`, `YYYY-MM`, `YYYY-MM-DD`, RFC 3339 in UTC) covers; `nil` if none.
    package static func seconds(_ text: String) -> Range<Int64>? {
        let halves = text.split(separator: "T", maxSplits: 1)
        guard let day = halves.first else { return nil }
        let numbers = day.split(separator: "-").map { Int($0) }
        guard (1...3).contains(numbers.count), !numbers.contains(nil), let year = numbers[0],
            (1...9999).contains(year)
        else { return nil }
        let month = numbers.count > 1 ? numbers[1] ?? 1 : 1
        let date = numbers.count > 2 ? numbers[2] ?? 1 : 1
        guard (1...12).contains(month), (1...31).contains(date) else { return nil }
        var civil = CivilTime(year: year, month: month, day: date)
        if halves.count == 2 {
            let time = halves[1].hasSuffix("Z") ? halves[1].dropLast() : halves[1]
            let parts = time.split(separator: ":").map { Int($0) ?? -1 }
            guard (2...3).contains(parts.count), (0...23).contains(parts[0]), (0...59).contains(parts[1]),
                (0...60).contains(parts.count > 2 ? parts[2] : 0), numbers.count == 3
            else { return nil }
            (civil.hour, civil.minute, civil.second) = (
                parts[0], parts[1], parts.count > 2 ? parts[2] : 0
            )
            return civil.secondsSinceEpoch..<civil.secondsSinceEpoch + 1
        }
        var end = civil
        switch numbers.count {
        case 1: end.year += 1
        case 2: (end.year, end.month) = month == 12 ? (year + 1, 1) : (year, month + 1)
        default: return civil.secondsSinceEpoch..<civil.secondsSinceEpoch + 86_400
        }
        return civil.secondsSinceEpoch..<end.secondsSinceEpoch
    }
}
