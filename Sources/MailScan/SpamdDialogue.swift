// request  = "CHECK SPAMC/1.5" CRLF "Content-length: " octets CRLF CRLF message
// response = "SPAMD/" version SP code SP words CRLF *(field CRLF) CRLF
// field    = "Spam: " ("True" / "False" / "Yes" / "No") " ; " score " / " threshold
/// SpamAssassin's daemon: CHECK, which gives the verdict and no message back.
///
/// - SeeAlso: spamd/PROTOCOL in SpamAssassin's source
package struct SpamdDialogue: ScanDialogue {
    package init() {}

    package func request(_ request: ScanRequest) -> [UInt8] {
        Array("CHECK SPAMC/1.5\r\nContent-length: \(request.message.count)\r\n\r\n".utf8) + request.message
    }

    package func verdict(_ octets: [UInt8], isEnd: Bool) throws(ScanError) -> ScanVerdict? {
        guard let head = try AnswerHead(octets, isEnd: isEnd) else { return nil }
        let words = head.lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("SPAMD/"), let code = Int(words[1]) else {
            throw ScanError(.refused, "what answers is not spamd")
        }
        guard code == 0 else {
            throw ScanError(.refused, "spamd says \(code)\(words.count > 2 ? " \(words[2].prefix(40))" : "")")
        }
        guard let field = head.field("spam") else { throw ScanError(.refused, "spamd gives no verdict") }
        let halves = field.split(separator: ";", maxSplits: 1)
        let isSpam = ["true", "yes"].contains(halves.first?.prefix(while: \.isLetter).lowercased() ?? "")
        let score = halves.dropFirst().first?.split(separator: "/").first.flatMap { text in
            Double(text.filter { !$0.isWhitespace })
        }
        return ScanVerdict(isSpam: isSpam, score: score)
    }
}
