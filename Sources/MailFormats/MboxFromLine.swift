import MailCore

/// The line that starts a message in an mbox: `From joe@example.org Thu Nov 20 10:00:00 2003`.
///
/// - SeeAlso: RFC 4155
public struct MboxFromLine: Sendable, Hashable {
    public var sender: String
    /// `nil` when the line has no date that can be read.
    public var secondsSinceEpoch: Int64?

    /// True for a line as asctime writes it, with the day of the week.
    var hasDayName: Bool
    /// True for a line of an address and nothing else.
    var isBareAddress: Bool

    private static let dayNames = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `nil` unless `line` starts with `From `.
    public init?(parsing line: some Collection<UInt8>) {
        guard line.starts(with: "From ".utf8) else { return nil }
        let words = line.dropFirst(5).split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
            .map { String(decoding: $0, as: UTF8.self) }
        sender = words.first ?? ""
        secondsSinceEpoch = Self.date(words)
        isBareAddress = words.count == 1 && sender.contains("@")
        hasDayName = words.dropFirst().prefix(3).contains(where: Self.dayNames.contains)
    }

    // timestamp = day-name month day hour ":" minute [":" second] [zone] year   ; asctime, in UTC
    private static func date(_ words: [String]) -> Int64? {
        var month: Int?
        var day: Int?
        var year: Int?
        var clock: [Int]?
        var zone = 0
        for word in words.dropFirst().prefix(12) {
            if clock == nil, word.contains(":") {
                let pieces = word.split(separator: ":").map { Int($0) }
                if pieces.count >= 2, pieces.allSatisfy({ $0 != nil }) { clock = pieces.compactMap { $0 } }
            } else if month == nil, let index = months.firstIndex(of: word) {
                month = index + 1
            } else if clock != nil, word.hasPrefix("+") || word.hasPrefix("-"), word.utf8.count == 5,
                let value = Int(word.dropFirst()), value >= 0
            {
                zone = (value / 100 * 60 + value % 100) * (word.hasPrefix("-") ? -1 : 1)
            } else if day == nil, let value = Int(word), (1...31).contains(value) {
                day = value
            } else if year == nil, word.utf8.count == 4, let value = Int(word), value > 1_900 {
                year = value
            }
        }
        guard let month, let day, let year, let clock, (0...24).contains(clock[0]), (0...59).contains(clock[1]),
            clock.count < 3 || (0...61).contains(clock[2])
        else { return nil }
        let civil = CivilTime(
            year: year, month: month, day: day, hour: clock[0], minute: clock[1], second: clock.count > 2 ? clock[2] : 0
        )
        return civil.secondsSinceEpoch - Int64(zone) * 60
    }

    /// A From_ line, with its line end.
    static func octets(sender: String, secondsSinceEpoch: Int64) -> [UInt8] {
        let civil = CivilTime(secondsSinceEpoch: secondsSinceEpoch)
        func pad(_ value: Int, _ fill: String = "0") -> String { value < 10 ? fill + String(value) : String(value) }
        let days = (secondsSinceEpoch >= 0 ? secondsSinceEpoch : secondsSinceEpoch - 86_399) / 86_400
        let dayName = dayNames[Int(((days % 7) + 7) % 7)]
        let clean = sender.utf8.filter { $0 > 0x20 && $0 != 0x7F }
        let address = clean.isEmpty ? Array("MAILER-DAEMON".utf8) : Array(clean)
        let date =
            "\(dayName) \(months[civil.month - 1]) \(pad(civil.day, " ")) \(pad(civil.hour)):\(pad(civil.minute)):"
            + "\(pad(civil.second)) \(civil.year)"
        return Array("From ".utf8) + address + Array((" " + date + "\n").utf8)
    }
}
