import MailCore

extension LineCursor {
    // sequence-set = (seq-number / seq-range) ["," sequence-set]   ; RFC 9051 §9
    /// A set of numbers in any order; `*` counts as 4294967295, 0 is skipped. `nil` without a number.
    mutating func takeUIDSet() -> UIDSet? {
        var ranges: [ClosedRange<UInt32>] = []
        let start = position
        repeat {
            guard let low = takeSetMember() else { break }
            var high = low
            if take(UInt8(ascii: ":")) {
                guard let value = takeSetMember() else {
                    position = start
                    return nil
                }
                high = value
            }
            ranges.append(Swift.min(low, high)...Swift.max(low, high))
        } while take(UInt8(ascii: ","))
        guard !ranges.isEmpty else {
            position = start
            return nil
        }
        return UIDSet(ranges: ranges)
    }

    private mutating func takeSetMember() -> UInt32? {
        take(.star) ? .max : takeNumber32()
    }

    // flag-list = "(" [flag *(SP flag)] ")"
    /// Flags; quoted ones and such with odd characters are taken. `nil` without a closed list.
    mutating func takeFlags() -> [Flag]? {
        let start = position
        guard take(.open) else { return nil }
        var flags: [Flag] = []
        while position < end {
            skipSpaces()
            if take(.close) { return flags }
            if let quoted = takeQuoted() {
                flags.append(Flag(String(decoding: quoted, as: UTF8.self)))
            } else if let atom = takeAtom() {
                flags.append(Flag(String(decoding: octets[atom], as: UTF8.self)))
            } else {
                break
            }
        }
        position = start
        return nil
    }

    /// The values of a `key value` list in parentheses, by upper-case key.
    mutating func takePairs() -> [String: ResponseValue]? {
        guard case .list(let values)? = takeValue() else { return nil }
        var pairs: [String: ResponseValue] = [:]
        var index = 0
        while index + 1 < values.count {
            if let key = values[index].octets {
                pairs[String(decoding: key, as: UTF8.self).uppercased()] = values[index + 1]
            }
            index += 2
        }
        return pairs
    }
}
