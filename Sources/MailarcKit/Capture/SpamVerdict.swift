package import MailMIME

/// What spam filters wrote into a header; of each field the first counts, which the last filter wrote. Total.
///
/// QUIRK: SpamAssassin writes X-Spam-Flag, X-Spam-Score and X-Spam-Status (`Yes, score=7.3 required=5.0`, once `hits=`);
/// Rspamd X-Spam, X-Rspamd-Score, X-Rspamd-Action and X-Spamd-Result (`default: True [15.20 / 15.00]; …`).
package struct SpamVerdict: Hashable, Sendable {
    /// One of them said so.
    package var isSpam: Bool
    /// The highest; `nil` where there is none.
    package var score: Double?

    package init(isSpam: Bool, score: Double?) { (self.isSpam, self.score) = (isSpam, score) }

    package init(_ header: HeaderFields) {
        func text(_ name: String) -> String { header.text(name)?.lowercased() ?? "" }
        let (status, result) = (text("x-spam-status"), text("x-spamd-result"))
        let resultWords = result.split { $0 == " " || $0 == "[" || $0 == "\t" }.prefix(3)
        isSpam =
            [text("x-spam-flag"), text("x-spam"), status].contains { $0.prefix(while: \.isLetter) == "yes" }
            || resultWords.dropFirst().first == "true"
            || ["add header", "rewrite subject", "quarantine", "reject"].contains(text("x-rspamd-action"))
        var texts = [text("x-spam-score")[...], text("x-rspamd-score")[...]]
        for word in status.split(whereSeparator: { $0 == " " || $0 == "," }) {
            for name in ["score=", "hits="] where word.hasPrefix(name) { texts.append(word.dropFirst(name.count)) }
        }
        texts += resultWords.dropFirst(2)
        score = texts.compactMap(Self.number).max()
    }

    /// `-1.5`; what `Double` takes besides is no score.
    private static func number(_ text: Substring) -> Double? {
        guard text.utf8.count <= 32,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E].contains($0) })
        else { return nil }
        return Double(text)
    }
}
