/// The directory of a Maildir++ mailbox: its name with what no file name may hold written as `%XX`.
///
/// A name in a character set nobody knows, as some servers tell it, has all its octets above 127 written so, too.
enum MaildirFolderName {
    /// Holds the whole name where the directory's cannot.
    static let longNameFile = Array("mailarc-name".utf8)
    /// LIMIT: file names end at 255 octets on the file systems in use.
    private static let limit = 240
    private static let encodedDot = Array("%2E".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The directory's name without the leading dot, and whether it stands for more than it says.
    static func encode(_ name: [UInt8], delimiter: UInt8?) -> (octets: [UInt8], isShortened: Bool) {
        var result: [UInt8] = []
        var previous: UInt8?
        let isText = String(validating: name, as: UTF8.self) != nil
        for (index, octet) in name.enumerated() {
            // An empty component, first, last or between two dots, would be another mailbox or none.
            let isDelimiter = octet == delimiter ?? 0x2E
            let isLoose = isDelimiter && (previous == octet || index == 0 || index == name.count - 1)
            if isDelimiter, !isLoose {
                result.append(0x2E)
            } else if octet == 0x25, name[index...].starts(with: encodedDot) {
                // As ``decode(_:)`` leaves it.
                result.append(octet)
            } else if octet == 0x2E || octet == 0x2F || octet == 0x25 || octet < 0x20 || octet == 0x7F || isLoose
                || !isText && octet > 0x7F
            {
                result += [0x25, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            } else {
                result.append(octet)
            }
            previous = octet
        }
        guard result.count > limit else { return (result, false) }
        let hash = SyntheticUID.hash(name)
        let mark =
            Array("%~".utf8) + stride(from: 60, through: 0, by: -4).map { digits[Int((hash >> UInt64($0)) & 15)] }
        return (Array(result.prefix(limit - mark.count)) + mark, true)
    }

    /// Undoes ``encode(_:delimiter:)`` but for `%2E`: a dot in a component would be taken for the delimiter.
    static func decode(_ octets: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < octets.count {
            if octets[index] == 0x25, index + 2 < octets.count, let high = digits.firstIndex(of: octets[index + 1]),
                let low = digits.firstIndex(of: octets[index + 2]), high << 4 | low != 0x2E
            {
                result.append(UInt8(high << 4 | low))
                index += 3
            } else {
                result.append(octets[index])
                index += 1
            }
        }
        return result
    }
}
