import Glibc
import MailCore
import MailarcKit

/// The case study's repository, made up: at scale 1, 15,474 messages in 101 mailboxes, 9.177 GiB.
///
/// Three quarters are texts of 2 to 30 KiB; a quarter carries base64 attachments of log-normal size, three quarters of
/// them incompressible, a third repeating an earlier one. The same octets for the same scale, always.
package struct Corpus {
    /// A message's attachments, as places in ``attachments``.
    private var plans: [[Int]] = []
    private var attachments: [Attachment] = []
    private var random = SeededRandom(seed: 2018)
    private let words: [String]
    let messageCount: Int
    private let target: Double

    private struct Attachment {
        var seed: UInt64
        var size: Double
        var isCompressible: Bool
    }

    static let mailboxCount = 101
    private static let messagesAtFullScale = 15_474.0
    private static let octetsAtFullScale = 9.177 * 1_073_741_824

    init(scale: Double) {
        messageCount = max(Self.mailboxCount, Int((Self.messagesAtFullScale * scale).rounded()))
        target = Self.octetsAtFullScale * scale
        var own = SeededRandom(seed: 7)
        words = (0..<4_000).map { _ in
            (0..<(1 + own.below(4))).map { _ in
                String(Array("bdfghklmnrstvz")[own.below(14)]) + String(Array("aeiouáéöü")[own.below(9)])
            }.joined()
        }
        plan()
    }

    /// Which message carries what, and how big that must be for the whole to come out right.
    private mutating func plan() {
        for _ in 0..<messageCount {
            guard random.share() < 0.24 else {
                plans.append([])
                continue
            }
            plans.append(
                (0..<[1, 1, 1, 2, 3][random.below(5)]).map { _ in
                    if !attachments.isEmpty, random.share() < 0.35 { return random.below(attachments.count) }
                    let size = min(36e6, exp(log(6e5) + 1.6 * random.normal()))
                    attachments.append(
                        Attachment(seed: random.next(), size: size, isCompressible: random.share() < 0.25))
                    return attachments.count - 1
                })
        }
        // Clipping takes away from what was asked for, so it takes some rounds.
        for _ in 0..<8 {
            let coded = plans.joined().reduce(0.0) { $0 + attachments[$1].size * 4 / 3 * 77 / 76 }
            let factor = (target - Double(messageCount) * 9_000) / max(coded, 1)
            for index in attachments.indices {
                attachments[index].size = max(200, min(36e6, attachments[index].size * factor))
            }
        }
    }

    /// Names as on the wire, INBOX first.
    static let mailboxes: [String] = {
        let roots = ["INBOX", "Sent", "Drafts", "Trash", "Archives", "Lists", "Projects", "Customers"]
        let inner = (roots.count..<mailboxCount).map { "\(roots[4 + $0 % 4]).\($0 % 7 < 5 ? "Year" : "Case") \($0)" }
        return roots + inner
    }()

    /// Writes all of it as a Maildir++.
    mutating func write(to maildir: LabFolder, _ stop: StopFlag) throws(KitError) {
        for mailbox in Self.mailboxes {
            for name in ["cur", "new", "tmp"] { _ = try maildir.folder(Self.place(mailbox) + name) }
        }
        for number in 0..<messageCount {
            guard !stop.isStopped else { throw KitError(.cancelled, "interrupted") }
            let date = 1_388_534_400 + Int64(number) * 20_000 + Int64(random.below(20_000))
            let octets = message(number, date)
            // Every mailbox gets one, the first ones most. Zipf
            let place =
                number < Self.mailboxCount
                ? number : min(Self.mailboxCount - 1, Int(exp(random.share() * log(102))) - 1)
            let flags = (random.share() < 0.18 ? "R" : "") + (random.share() < 0.85 ? "S" : "")
            let size = octets.count + octets.count { $0 == 10 }
            let name = "\(date).M\(number)P1.lab,S=\(octets.count),W=\(size):2,\(flags)"
            try maildir.write(Self.place(Self.mailboxes[place]) + "cur/\(name)", octets, date: date)
        }
    }

    private static func place(_ mailbox: String) -> String { mailbox == "INBOX" ? "" : ".\(mailbox)/" }

    /// Ten more, two of them large, for three mailboxes.
    mutating func more(_ round: Int) -> [(mailbox: String, octets: [UInt8])] {
        (0..<10).map { number in
            var own = SeededRandom(seed: UInt64(round * 100 + number) &* 77_777)
            let body =
                number < 2
                ? Self.base64(own.octets(600_000), lineEnd: [13, 10]) : Array(text(2_000 + own.below(9_000)).utf8)
            let kind = number < 2 ? "Content-Transfer-Encoding: base64\r\n" : ""
            let head =
                "From: more@lab.example\r\nTo: me@lab.example\r\nSubject: more \(round) \(number)\r\n"
                + "Message-ID: <more-\(round)-\(number)@lab.example>\r\nX-More: yes\r\nMIME-Version: 1.0\r\n\(kind)\r\n"
            return (Self.mailboxes[number % 3], Array(head.utf8) + body.crlf)
        }
    }

    // MARK: One message

    private mutating func message(_ number: Int, _ date: Int64) -> [UInt8] {
        let boundary = "=_\(number)_lab"
        let isMultipart = !plans[number].isEmpty
        var head =
            "Return-Path: <person\(random.below(400))@firm.example>\nReceived: from mx.firm.example (mx.firm.example "
            + "[192.0.2.\(1 + random.below(250))])\n\tby mail.lab.example (Postfix) with ESMTPS id \(number)X;\n\t"
            + "\(Self.date(date))\nFrom: Person \(random.below(400)) <person\(random.below(400))@firm.example>\n"
            + "To: me@lab.example\nSubject: \(text(40, isLine: true))\nDate: \(Self.date(date - 90))\n"
            + "Message-ID: <\(number).\(date)@firm.example>\nMIME-Version: 1.0\n"
        let body =
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            + text(2_000 + random.below(12_000))
        guard isMultipart else { return Array((head + body).utf8) }
        head += "Content-Type: multipart/mixed; boundary=\"\(boundary)\"\n\n--\(boundary)\n"
        var octets = Array((head + body).utf8)
        for index in plans[number] {
            let name = attachments[index].isCompressible ? "table-\(index).csv" : "picture-\(index).jpg"
            octets += Array(
                ("\n--\(boundary)\nContent-Type: application/octet-stream; name=\"\(name)\"\n"
                    + "Content-Transfer-Encoding: base64\n"
                    + "Content-Disposition: attachment; filename=\"\(name)\"\n\n").utf8)
            octets += Self.base64(raw(attachments[index]), lineEnd: [10])
        }
        octets += Array("\n--\(boundary)--\n".utf8)
        return octets
    }

    private func raw(_ attachment: Attachment) -> [UInt8] {
        var own = SeededRandom(seed: attachment.seed)
        let size = Int(attachment.size)
        guard attachment.isCompressible else { return own.octets(size) }
        var octets: [UInt8] = []
        octets.reserveCapacity(size + 100)
        while octets.count < size {
            let row = "\(octets.count);\(words[own.below(900)]);\(own.below(1_000_000));\(words[own.below(900)])\n"
            octets += Array(row.utf8)
        }
        return Array(octets.prefix(size))
    }

    /// Words in lines of about 72 characters, `count` octets or a little more.
    private mutating func text(_ count: Int, isLine: Bool = false) -> String {
        var (text, column) = ("", 0)
        var octets = 0
        while octets < count {
            // A few words are used most of the time.
            let share = random.share()
            let word = words[Int(share * share * share * Double(words.count))]
            if column + word.count > 71, !isLine {
                text += "\n"
                column = 0
            } else if column > 0 {
                text += " "
            }
            text += word
            column += word.count + 1
            octets += word.utf8.count + 1
        }
        return isLine ? String(text.unicodeScalars.filter(\.isASCII).map(Character.init)) : text + "\n"
    }

    /// `Mon, 06 Jan 2020 10:00:00 +0000`
    private static func date(_ seconds: Int64) -> String {
        let civil = CivilTime(secondsSinceEpoch: seconds)
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let words = InternalDate(secondsSinceEpoch: seconds).description.split(separator: " ")
        let parts = (words.first ?? "").split(separator: "-")
        return "\(days[Int(seconds / 86_400 % 7)]), \(civil.day) \(parts.dropFirst().joined(separator: " "))"
            + " \(words.dropFirst().joined(separator: " "))"
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// In lines of 76 characters. RFC 2045 §6.8
    package static func base64(_ octets: [UInt8], lineEnd: [UInt8]) -> [UInt8] {
        var coded: [UInt8] = []
        coded.reserveCapacity(octets.count * 4 / 3 + octets.count / 30 + 8)
        var index = 0
        while index < octets.count {
            let rest = octets.count - index
            let second = rest > 1 ? octets[index + 1] : 0
            let third = rest > 2 ? octets[index + 2] : 0
            let value = UInt32(octets[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            coded.append(alphabet[Int(value >> 18)])
            coded.append(alphabet[Int(value >> 12 & 63)])
            coded.append(rest > 1 ? alphabet[Int(value >> 6 & 63)] : UInt8(ascii: "="))
            coded.append(rest > 2 ? alphabet[Int(value & 63)] : UInt8(ascii: "="))
            index += 3
            if index % 57 == 0 || index >= octets.count { coded += lineEnd }
        }
        return coded
    }
}

extension [UInt8] {
    /// With CRLF for each LF that has none.
    var crlf: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count + count / 40)
        for octet in self {
            if octet == 10, result.last != 13 { result.append(13) }
            result.append(octet)
        }
        return result
    }
}
