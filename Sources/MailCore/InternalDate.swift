/// The date and time a store gave a message, with the zone it was told in.
///
/// - SeeAlso: RFC 9051 §2.3.3
public struct InternalDate: Hashable, Sendable, Codable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let secondsSinceEpoch: Int64
    /// Minutes east of UTC.
    public let zoneOffset: Int16
    /// The octets on the wire, kept where they do not equal ``description`` (an invalid or odd date); else `nil`.
    public let raw: String?

    public init(secondsSinceEpoch: Int64, zoneOffset: Int16 = 0, raw: String? = nil) {
        self.secondsSinceEpoch = secondsSinceEpoch
        self.zoneOffset = zoneOffset
        self.raw = raw
    }

    /// Equal when the instants are.
    public static func == (left: InternalDate, right: InternalDate) -> Bool {
        left.secondsSinceEpoch == right.secondsSinceEpoch
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(secondsSinceEpoch) }
}

extension InternalDate: CustomStringConvertible {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The wire form, ` 7-Feb-2024 14:03:09 +0100`.
    public var description: String {
        let civil = CivilTime(secondsSinceEpoch: secondsSinceEpoch + Int64(zoneOffset) * 60)
        func pad(_ value: Int, _ width: Int = 2, _ fill: Character = "0") -> String {
            let digits = String(value)
            return String(repeating: fill, count: max(0, width - digits.count)) + digits
        }
        let zone = Int(zoneOffset.magnitude)
        return pad(civil.day, 2, " ") + "-" + Self.months[civil.month - 1] + "-" + pad(civil.year, 4) + " "
            + pad(civil.hour) + ":" + pad(civil.minute) + ":" + pad(civil.second) + " "
            + (zoneOffset < 0 ? "-" : "+") + pad(zone / 60) + pad(zone % 60)
    }

    // date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE   ; RFC 9051 §9
    /// The date that `text` spells (without quotes), or `nil`. Tolerates one-digit days and two-digit years are refused.
    public init?(parsing text: String) {
        let fields = text.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 3 else { return nil }
        let date = fields[0].split(separator: "-", omittingEmptySubsequences: false)
        let time = fields[1].split(separator: ":", omittingEmptySubsequences: false)
        guard date.count == 3, time.count == 3,
            let day = Int(date[0]), let year = Int(date[2]), date[2].utf8.count == 4,
            let month = Self.months.firstIndex(where: { $0.lowercased() == date[1].lowercased() }),
            let hour = Int(time[0]), let minute = Int(time[1]), let second = Int(time[2]),
            (1...31).contains(day), (0...24).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            fields[2].utf8.count == 5, let sign = fields[2].first, sign == "+" || sign == "-",
            let zone = Int(fields[2].dropFirst()), zone >= 0
        else { return nil }
        let offset = (zone / 100 * 60 + zone % 100) * (sign == "-" ? -1 : 1)
        let civil = CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
        let parsed = InternalDate(
            secondsSinceEpoch: civil.secondsSinceEpoch - Int64(offset) * 60, zoneOffset: Int16(offset))
        self.init(
            secondsSinceEpoch: parsed.secondsSinceEpoch, zoneOffset: parsed.zoneOffset,
            raw: parsed.description == text ? nil : text)
    }
}

/// A date and time of day in the proleptic Gregorian calendar, without zone.
public struct CivilTime: Hashable, Sendable {
    public var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    public init(secondsSinceEpoch: Int64) {
        let days = secondsSinceEpoch >= 0 ? secondsSinceEpoch / 86_400 : (secondsSinceEpoch - 86_399) / 86_400
        let rest = Int(secondsSinceEpoch - days * 86_400)
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let index = (5 * dayOfYear + 2) / 153
        let month = index < 10 ? index + 3 : index - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * index + 2) / 5 + 1, hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60)
    }

    /// Seconds since 1970-01-01T00:00:00, as if in UTC.
    public var secondsSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return Int64(days) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    }

    /// `2026-11-23T02:31:17Z`
    public var rfc3339: String {
        func pad(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(hour, 2)):\(pad(minute, 2)):\(pad(second, 2))Z"
    }
}
