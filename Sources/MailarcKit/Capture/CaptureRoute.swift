package import MailCore

/// Where the mail of a recipient goes.
public struct CaptureRoute: Sendable, Hashable {
    /// `*` stands for any characters; upper and lower case are one.
    public var recipient: String
    /// The account in the archive; `{1}` is what the first `*` of ``recipient`` stood for.
    public var account: String
    /// `nil`: INBOX for what was received, Sent for what was sent.
    public var mailbox: String?
    /// `received`, `sent`, or `nil` where that is not known.
    public var direction: CaptureDirection?
    /// Journal reports are taken apart: the report goes to the mailbox Journal, the message in it where the route says.
    public var isJournal: Bool

    /// A rule; the first that matches a recipient counts.
    public init(
        recipient: String, account: String, mailbox: String? = nil, direction: CaptureDirection? = nil,
        isJournal: Bool = false
    ) {
        (self.recipient, self.account, self.mailbox) = (recipient, account, mailbox)
        (self.direction, self.isJournal) = (direction, isJournal)
    }
}

/// Which way the message went.
public enum CaptureDirection: String, Sendable, CaseIterable, Codable { case received, sent }

/// One mailbox of the archive as the target of deliveries.
package struct CapturePlace: Hashable, Sendable {
    package var account: String
    package var mailbox: MailboxName
    package var direction: DeliveryFacts.Direction
    package var purpose: Purpose

    /// Why mail is placed there.
    package enum Purpose: String, Sendable, Codable {
        case mail
        /// Journal reports are not placed here, but what they enclose.
        case journal
        case report, junk
    }

    package init(
        account: String, mailbox: MailboxName, direction: DeliveryFacts.Direction, purpose: Purpose = .mail
    ) {
        (self.account, self.mailbox, self.direction, self.purpose) = (account, mailbox, direction, purpose)
    }

    var role: MailboxRole? { purpose == .junk ? .junk : direction == .sent ? .sent : nil }
}

/// Finds the place of a recipient.
package struct CaptureRouting: Sendable {
    private let routes: [CaptureRoute]
    private let allowed: [String]

    /// LIMIT: stars of one pattern; each is looked for from left to right.
    static let starLimit = 4
    /// LIMIT: what a `*` may put into the name of an account: no sender is to make names that nobody can type.
    private static let insertLimit = 64

    /// - Parameter allowed: patterns of recipients; none: whatever a route takes.
    /// - Throws: `.usage` for a route that can never work.
    package init(_ routes: [CaptureRoute], allowed: [String]) throws(KitError) {
        guard !routes.isEmpty else {
            throw KitError(
                .usage, "nothing says which account mail goes to",
                hint: "give --account NAME, or [[receive.route]] in the configuration (Documentation/Capture.md)")
        }
        for route in routes {
            let stars = route.recipient.count { $0 == "*" }
            guard !route.recipient.isEmpty, stars <= Self.starLimit else {
                throw KitError(.usage, "a route's recipient has 0 to \(Self.starLimit) '*': \(route.recipient)")
            }
            for name in [route.account, route.mailbox ?? "INBOX"] {
                try Self.check(name, stars: stars, of: route)
            }
        }
        (self.routes, self.allowed) = (routes, allowed)
    }

    private static func check(_ name: String, stars: Int, of route: CaptureRoute) throws(KitError) {
        guard !name.isEmpty, !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw KitError(.usage, "the route for \(route.recipient) names no account or mailbox")
        }
        let rest = (1...starLimit).filter { $0 > stars && name.contains("{\($0)}") }
        guard rest.isEmpty else {
            throw KitError(.usage, "the route for \(route.recipient) has no '*' number \(rest[0]), which \(name) needs")
        }
    }

    /// Why a recipient is not taken.
    package enum Refusal: Error { case notAllowed, noRoute }

    package func place(of recipient: String) throws(Refusal) -> CapturePlace {
        let folded = recipient.lowercased()
        guard allowed.isEmpty || allowed.contains(where: { Self.match(folded, $0.lowercased()) != nil }) else {
            throw .notAllowed
        }
        for route in routes {
            guard let stars = Self.match(folded, route.recipient.lowercased()) else { continue }
            guard stars.allSatisfy(Self.isName) || !"\(route.account)\(route.mailbox ?? "")".contains("{") else {
                continue
            }
            func filled(_ text: String) -> String {
                stars.enumerated().reduce(text) { $0.replacing("{\($1.offset + 1)}", with: $1.element) }
            }
            let direction: DeliveryFacts.Direction =
                switch route.direction {
                case .received: .received
                case .sent: .sent
                case nil: .unknown
                }
            let mailbox = route.mailbox.map(filled) ?? (direction == .sent ? "Sent" : "INBOX")
            return CapturePlace(
                account: filled(route.account), mailbox: MailboxName(mailbox), direction: direction,
                purpose: route.isJournal ? .journal : .mail)
        }
        throw .noRoute
    }

    private static func isName(_ text: String) -> Bool {
        (1...insertLimit).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || [0x2B, 0x2D, 0x2E, 0x3D, 0x5F].contains($0)
            }
    }

    /// What each `*` of `pattern` stands for in `text`, each as short as can be; `nil` where it does not match.
    ///
    /// Linear in the text for each star.
    static func match(_ text: String, _ pattern: String) -> [String]? {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false).map { Array($0.utf8) }
        var rest = Array(text.utf8)[...]
        guard rest.starts(with: pieces[0]) else { return nil }
        rest = rest.dropFirst(pieces[0].count)
        guard pieces.count > 1 else { return rest.isEmpty ? [] : nil }
        var stars: [String] = []
        for piece in pieces.dropFirst().dropLast() {
            guard let place = place(of: piece, in: rest) else { return nil }
            stars.append(String(decoding: rest[..<place], as: UTF8.self))
            rest = rest[(place + piece.count)...]
        }
        guard let last = pieces.last, rest.count >= last.count, rest.suffix(last.count).elementsEqual(last) else {
            return nil
        }
        stars.append(String(decoding: rest.dropLast(last.count), as: UTF8.self))
        return stars
    }

    private static func place(of piece: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard text.count >= piece.count else { return nil }
        return (text.startIndex...text.endIndex - piece.count).first {
            text[$0..<$0 + piece.count].elementsEqual(piece)
        }
    }
}
