/// What an account may hold, so that a promise is kept.
public struct Expectation: Sendable, Hashable {
    /// A message in a mailbox.
    public struct Place: Sendable, Hashable, Comparable {
        public var mailbox: String
        public var tag: String

        public init(_ mailbox: String, _ tag: String) { (self.mailbox, self.tag) = (mailbox, tag) }

        public static func < (left: Place, right: Place) -> Bool {
            (left.mailbox, left.tag) < (right.mailbox, right.tag)
        }
    }

    /// How often, and with which flags (`nil`: any).
    public struct Rule: Sendable, Hashable {
        public var count: ClosedRange<Int>
        public var flags: Set<[String]>?

        public init(_ count: ClosedRange<Int>, flags: Set<[String]>?) { (self.count, self.flags) = (count, flags) }

        var withAnyFlags: Rule { Rule(count, flags: nil) }
    }

    public var rules: [Place: Rule] = [:]
    /// How often a tag must be in the account at least, wherever.
    public var totals: [String: Int] = [:]
    /// Mailboxes that must be there.
    public var mailboxes: Set<String> = []
    /// The internal dates are those of the messages.
    public var judgesDates = true

    public init() {}

    /// Exactly what `model` holds.
    init(exactly model: AccountModel) {
        for message in model.messages {
            let place = Place(message.mailbox, message.tag)
            let count = model.count(message.tag, in: message.mailbox)
            rules[place, default: Rule(count...count, flags: [])].flags?.insert(message.flags)
        }
        mailboxes = model.mailboxes
    }

    /// The same, where what is at `places` may be missing.
    package func allowing(_ places: Set<Place>) -> Expectation {
        var result = self
        for place in places {
            guard let rule = rules[place] else { continue }
            result.rules[place] = Rule(0...rule.count.upperBound, flags: rule.flags)
            result.totals[place.tag] = nil
        }
        return result
    }
}

/// Where the messages of one tag are, at the beginning and at the end on both sides.
private struct Whereabouts {
    let start: [String]
    let source: [String]
    let archive: [String]

    init(_ tag: String, _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel) {
        func places(_ model: AccountModel) -> [String] {
            model.messages.filter { $0.tag == tag }.map(\.mailbox).sorted()
        }
        (self.start, self.source, self.archive) = (places(start), places(source), places(archive))
    }

    private func isMoved(_ end: [String]) -> Bool { !start.isEmpty && end.count >= start.count && end != start }

    /// It was moved in the archive, its mailbox renamed included.
    var isMovedInArchive: Bool { isMoved(archive) }

    /// It was moved on both sides, to different places.
    var isMovedApart: Bool { isMoved(archive) && isMoved(source) && source != archive }
}

extension Promise {
    /// What both accounts may hold once the events of `scenario` were followed.
    public func expectation(of scenario: Scenario) -> (source: Expectation, archive: Expectation) {
        let (source, archive) = scenario.ends
        switch kind {
        case .mirror: return (Expectation(exactly: source), Expectation(exactly: source))
        case .twoWay:
            let merged = Self.merged(scenario.start, source, archive)
            return (merged, merged)
        case .oneWay, .copy, .fill:
            return (Expectation(exactly: source), seen(scenario, follow(scenario.start, source, archive)))
        case .collect:
            let collected = collection(of: scenario)
            return (collected.source, seen(scenario, collected.archive))
        }
    }

    /// What nobody can bring into the archive: in the run with the fault of `scenario`, or in any.
    package func withheld(in scenario: Scenario, isFaulty: Bool) -> Set<Expectation.Place> {
        let places = scenario.source.compactMap { step -> Expectation.Place? in
            guard case .append(let key, let mailbox, _) = step else { return nil }
            let isHidden = isFaulty && scenario.fault == .cannotOpen(mailbox)
            let isRefused = scenario.refusesLarge && Letter(key).isLarge
            return isHidden || isRefused ? .init(kind == .collect ? "INBOX" : mailbox, Letter(key).tag) : nil
        }
        return Set(places)
    }

    /// What left the source in the midst of a run may have been copied before.
    private func seen(_ scenario: Scenario, _ wanted: Expectation) -> Expectation {
        guard case .isExpunged(let tag, let mailbox, _) = scenario.fault else { return wanted }
        var result = wanted
        result.rules[.init(kind == .collect ? "INBOX" : mailbox, tag)] = .init(0...1, flags: nil)
        result.totals[tag] = nil
        return result
    }

    /// What both hold when each one's changes were made in the other, too.
    private static func merged(
        _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel
    ) -> Expectation {
        var result = Expectation()
        for place in places(start, source, archive) {
            func count(_ model: AccountModel) -> Int { model.count(place.tag, in: place.mailbox) }
            let (before, left, right) = (count(start), count(source) - count(start), count(archive) - count(start))
            if Whereabouts(place.tag, start, source, archive).isMovedApart {
                // Whichever place it is given, or both.
                result.rules[place] = .init(0...max(0, left, right), flags: mergedFlags(place, start, source, archive))
                result.totals[place.tag] = 1
                continue
            }
            // The same change on both sides is one.
            let change = left * right > 0 ? (left > 0 ? max(left, right) : min(left, right)) : left + right
            let wanted = max(0, before + change)
            // Gone on one side and flagged anew on the other: either may hold.
            let isTorn = left * right == 0 && left + right < 0 && isFlaggedAnew(place, start, source, archive)
            guard wanted > 0 || isTorn else { continue }
            let count = isTorn ? wanted...before : wanted...wanted
            result.rules[place] = .init(count, flags: mergedFlags(place, start, source, archive))
        }
        result.mailboxes =
            start.mailboxes.intersection(source.mailboxes).intersection(archive.mailboxes)
            .union(source.mailboxes.subtracting(start.mailboxes))
            .union(archive.mailboxes.subtracting(start.mailboxes))
            .subtracting(renamedApart(start, source, archive))
        return result
    }

    /// The names of mailboxes that were given another one on each side.
    private static func renamedApart(
        _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel
    ) -> Set<String> {
        func made(_ end: AccountModel) -> Set<String> { end.mailboxes.subtracting(start.mailboxes) }
        return made(source).symmetricDifference(made(archive)).filter { mailbox in
            let messages = (source.messages + archive.messages).filter { $0.mailbox == mailbox }
            return !messages.isEmpty
                && messages.allSatisfy { Whereabouts($0.tag, start, source, archive).isMovedApart }
        }
    }

    /// The side that still has it gave it other flags.
    private static func isFlaggedAnew(
        _ place: Expectation.Place, _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel
    ) -> Bool {
        let old = start.flags(of: place.tag, in: place.mailbox)
        return [source, archive].contains { side in
            side.flags(of: place.tag, in: place.mailbox).map { $0 != old } ?? false
        }
    }

    /// Where both changed the flags, either one's or both are allowed.
    private static func mergedFlags(
        _ place: Expectation.Place, _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel
    ) -> Set<[String]> {
        func flags(_ model: AccountModel) -> [String]? { model.flags(of: place.tag, in: place.mailbox) }
        guard let left = flags(source) else { return Set([flags(archive)].compactMap { $0 }) }
        guard let right = flags(archive) else { return [left] }
        guard let base = flags(start) else { return [left, right, union(left, right)] }
        if left == base { return [right] }
        if right == base { return [left] }
        return [left, right, union(left, right)]
    }

    private static func union(_ left: [String], _ right: [String]) -> [String] { Set(left).union(right).sorted() }

    private static func places(_ models: AccountModel...) -> Set<Expectation.Place> {
        Set(models.flatMap { $0.messages.map { Expectation.Place($0.mailbox, $0.tag) } })
    }

    /// What an archive holds that takes what is new and keeps what it has.
    private func follow(_ start: AccountModel, _ source: AccountModel, _ archive: AccountModel) -> Expectation {
        var result = Expectation()
        for place in Self.places(start, source, archive) {
            let (tag, mailbox) = (place.tag, place.mailbox)
            let (there, here) = (source.count(tag, in: mailbox), archive.count(tag, in: mailbox))
            let before = start.count(tag, in: mailbox)
            let count: ClosedRange<Int>
            if source.count(tag) == 0 {
                // It left the source, or was never there: the archive's own.
                count = here...here
            } else if there == 0 {
                // Moved or renamed: the old place may stay.
                count = 0...here
            } else if here > 0 || before == 0 && !Whereabouts(tag, start, source, archive).isMovedInArchive {
                let wanted = max(here, there)
                count = kind == .fill ? here...wanted : wanted...wanted
            } else if archive.count(tag) >= start.count(tag) {
                // Moved or renamed in the archive: where it is now it counts, and here it may come again.
                count = 0...there
            } else {
                count =
                    switch gone {
                    case .staysGone: 0...0
                    case .comesAgain: there...there
                    case .either: 0...there
                    }
            }
            result.rules[place] = .init(count, flags: allowedFlags(place, start, source, archive))
            let isGoneHere = before > 0 && archive.count(tag) == 0
            if source.count(tag) > 0, !isGoneHere { result.totals[tag] = 1 }
        }
        guard kind != .fill else { return result }
        let new = source.mailboxes.subtracting(start.mailboxes)
            .subtracting(Self.renamedApart(start, source, archive))
        result.mailboxes = source.mailboxes.intersection(archive.mailboxes.union(new))
        return result
    }

    private func allowedFlags(
        _ place: Expectation.Place, _ start: AccountModel, _ source: AccountModel, _ archive: AccountModel
    ) -> Set<[String]>? {
        // What left the source may be marked, and the other channel has flags of its own.
        guard kind != .fill, let left = source.flags(of: place.tag, in: place.mailbox) else { return nil }
        guard let right = archive.flags(of: place.tag, in: place.mailbox) else { return [left] }
        let any: Set<[String]> = [left, right, Self.union(left, right)]
        let isUnchanged = left == start.flags(of: place.tag, in: place.mailbox)
        return switch flags {
        case .source: [left]
        case .archive: isUnchanged ? [right] : any
        case .either: any
        }
    }
}
