/// What a scanner says of one message.
package struct ScanVerdict: Sendable, Hashable {
    package var isSpam: Bool
    /// Points; `nil` where it decided without any.
    package var score: Double?

    /// - Parameter score: what is no number of points counts as none.
    package init(isSpam: Bool, score: Double?) {
        (self.isSpam, self.score) = (isSpam, score.flatMap { $0.isFinite ? $0 : nil })
    }
}

/// One message to ask about.
package struct ScanRequest: Sendable {
    package var message: [UInt8]
    /// Of the envelope; empty for none.
    package var sender: String
    package var recipients: [String]

    package init(message: [UInt8], sender: String, recipients: [String]) {
        (self.message, self.sender, self.recipients) = (message, sender, recipients)
    }
}

/// How a program is asked: what is sent, and what the answer says. No I/O.
package protocol ScanDialogue: Sendable {
    /// Everything that is sent.
    func request(_ request: ScanRequest) -> [UInt8]

    /// Reads `octets`, all that came so far; `nil`: more is needed.
    ///
    /// - Throws: `.refused` for an answer that is no verdict.
    func verdict(_ octets: [UInt8], isEnd: Bool) throws(ScanError) -> ScanVerdict?
}

extension ScannerAddress.Program {
    package var dialogue: any ScanDialogue {
        switch self {
        case .rspamd: RspamdDialogue()
        case .spamd: SpamdDialogue()
        }
    }
}

/// The head of an answer: lines that end with CRLF, up to an empty one.
struct AnswerHead {
    let lines: [Substring]
    /// Octets behind it.
    let body: ArraySlice<UInt8>

    /// LIMIT: octets of all of an answer; those of real scanners have some thousand.
    static let octetLimit = 256 << 10

    /// `nil`: more is needed.
    ///
    /// - Throws: `.refused` for an answer that ends too early or is too long.
    init?(_ octets: [UInt8], isEnd: Bool) throws(ScanError) {
        guard octets.count <= Self.octetLimit else {
            throw ScanError(.refused, "the scanner's answer has more than \(Self.octetLimit) octets")
        }
        guard let end = octets.indices.dropLast(3).first(where: { octets[$0...].starts(with: [13, 10, 13, 10]) }) else {
            guard !isEnd else {
                throw ScanError(.refused, octets.isEmpty ? "the scanner closed at once" : "the scanner said half of it")
            }
            return nil
        }
        lines = String(decoding: octets[..<end], as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        body = octets[(end + 4)...]
    }

    /// The value of the field `name`, lower-case; of several, the first.
    func field(_ name: String) -> Substring? {
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, halves[0].lowercased() == name else { continue }
            return halves[1].drop(while: \.isWhitespace)
        }
        return nil
    }
}
