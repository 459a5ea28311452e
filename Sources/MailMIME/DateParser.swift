public import MailCore

/// The instant and zone of a Date field.
public struct OriginationDate: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public var secondsSinceEpoch: Int64
    /// Minutes east of UTC.
    public var zoneOffset: Int16

    public init(secondsSinceEpoch: Int64, zoneOffset: Int16) {
        (self.secondsSinceEpoch, self.zoneOffset) = (secondsSinceEpoch, zoneOffset)
    }

    /// The date and time of day at the sender's.
    public var civilTime: CivilTime { CivilTime(secondsSinceEpoch: secondsSinceEpoch + Int64(zoneOffset) * 60) }
}

/// Reads the dates people and programs write into mail.
///
/// - SeeAlso: RFC 5322 §3.3, §4.3
public enum DateParser {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    /// Minutes east of UTC; military zones are not here, for nobody agreed on their sign (RFC 5322 §4.3).
    private static let zones: [String: Int] = [
        "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "bst": 60, "cet": 60, "met": 60, "west": 60, "cest": 120,
        "mest": 120, "eet": 120, "eest": 180, "msk": 180, "ist": 330, "hkt": 480, "jst": 540, "kst": 540, "aest": 600,
        "edt": -240, "est": -300, "cdt": -300, "cst": -360, "mdt": -360, "mst": -420, "pdt": -420, "pst": -480,
        "akst": -540, "hst": -600,
    ]
    /// LIMIT: a date has eight words or fewer; comments may follow.
    private static let wordLimit = 32

    // date-time = [day-of-week ","] date time [CFWS]   ; RFC 5322 §3.3
    /// The date `octets` spell, or `nil`. Fields are known by their looks, not by their place. Total; linear.
    ///
    /// Tolerated: any order of day, month and year; `-` and `/` between them; two- and three-digit years; a missing zone
    /// (UTC) or time (midnight); ISO 8601; `asctime` form.
    public static func parse(_ octets: ArraySlice<UInt8>) -> OriginationDate? {
        var fields = Fields()
        for word in words(octets) { fields.take(word) }
        return fields.date
    }

    private static func words(_ octets: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var depth = 0
        var start: Int?
        for index in octets.indices where result.count < wordLimit {
            let octet = octets[index]
            if octet == UInt8(ascii: "(") { depth += 1 }
            let isBreak = depth > 0 || ASCII.isSpace(octet) || octet == UInt8(ascii: ",") || octet == UInt8(ascii: ";")
            if isBreak, let begin = start {
                result.append(octets[begin..<index])
                start = nil
            } else if !isBreak, start == nil {
                start = index
            }
            if octet == UInt8(ascii: ")"), depth > 0 { depth -= 1 }
        }
        if let begin = start { result.append(octets[begin...]) }
        return result
    }

    private struct Fields {
        var day: Int?, month: Int?, year: Int?, zone: Int?
        var time: (hour: Int, minute: Int, second: Int)?

        mutating func take(_ word: ArraySlice<UInt8>) {
            guard word.count < 40 else { return }
            let text = String(decoding: word.map(ASCII.lowercase), as: UTF8.self)
            if text.contains(":") {
                takeTime(text)
            } else if time != nil, zone == nil, let value = Self.numericZone(text) {
                zone = value
            } else if text.first?.isLetter == true {
                takeName(text)
            } else if text.contains("-") || text.contains("/") {
                takeDate(text)
            } else if let number = Int(text), number >= 0 {
                takeNumber(number, digits: text.utf8.count)
            }
        }

        private mutating func takeName(_ text: String) {
            if month == nil, text.utf8.count >= 3, let index = DateParser.months.firstIndex(of: String(text.prefix(3)))
            {
                month = index + 1
            } else if zone == nil, let value = DateParser.zones[text] {
                zone = value
            } else if zone == nil, text.hasPrefix("gmt") || text.hasPrefix("utc"),
                let value = Self.numericZone(String(text.dropFirst(3)))
            {
                zone = value
            }
        }

        private mutating func takeNumber(_ number: Int, digits: Int) {
            if day == nil, digits <= 2, (1...31).contains(number) {
                day = number
            } else if year == nil {
                // obs-year: 00 to 49 are 2000 to 2049, other short years count from 1900   ; RFC 5322 §4.3
                year =
                    digits <= 2 ? (number < 50 ? 2000 + number : 1900 + number) : digits == 3 ? 1900 + number : number
            }
        }

        private mutating func takeDate(_ text: String) {
            let pieces = text.split { $0 == "-" || $0 == "/" }
            if pieces.count == 3, pieces[0].utf8.count == 4, let wholeYear = Int(pieces[0]), let number = Int(pieces[1])
            {
                (year, month) = (wholeYear, number)
                day = Int(pieces[2])
                return
            }
            for piece in pieces {
                if let number = Int(piece) {
                    takeNumber(number, digits: piece.utf8.count)
                } else {
                    takeName(String(piece))
                }
            }
        }

        private mutating func takeTime(_ text: String) {
            var clock = text
            if let mark = text.firstIndex(of: "t"), text[..<mark].contains("-") {
                takeDate(String(text[..<mark]))
                clock = String(text[text.index(after: mark)...])
            }
            guard time == nil else { return }
            if let mark = clock.firstIndex(where: { $0 == "+" || $0 == "-" || $0.isLetter }) {
                let rest = String(clock[mark...])
                zone = Self.numericZone(rest.filter { $0 != ":" }) ?? DateParser.zones[rest]
                clock = String(clock[..<mark])
            }
            let pieces = clock.split(separator: ":").map { Int($0.prefix { $0 != "." }) }
            guard pieces.count >= 2, let hour = pieces[0], let minute = pieces[1] else { return }
            let second = pieces.count > 2 ? pieces[2] ?? 0 : 0
            guard (0...24).contains(hour), (0...59).contains(minute), (0...61).contains(second) else { return }
            time = (hour, minute, second)
        }

        // zone = (FWS ("+" / "-") 4DIGIT) / (FWS obs-zone)   ; RFC 5322 §3.3
        private static func numericZone(_ text: String) -> Int? {
            guard let sign = text.utf8.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
                (3...5).contains(text.utf8.count), let number = Int(text.dropFirst()), number >= 0
            else { return nil }
            let minutes = text.utf8.count <= 3 ? number * 60 : number / 100 * 60 + number % 100
            guard minutes <= 24 * 60 else { return nil }
            return sign == UInt8(ascii: "-") ? -minutes : minutes
        }

        var date: OriginationDate? {
            guard let day, let month, let year, (1...31).contains(day), (1...12).contains(month),
                (1...9_999).contains(year)
            else { return nil }
            let clock = time ?? (0, 0, 0)
            let civil = CivilTime(
                year: year, month: month, day: day, hour: clock.hour, minute: clock.minute, second: clock.second)
            let offset = zone ?? 0
            return OriginationDate(
                secondsSinceEpoch: civil.secondsSinceEpoch - Int64(offset) * 60, zoneOffset: Int16(offset))
        }
    }
}
