internal import MailCore

/// What two sides shall show, flag by flag.
struct FlagMerge: Equatable {
    var a: FlagSet
    var b: FlagSet

    /// - Parameters:
    ///   - base: what each side showed when both were dealt with.
    ///   - now: what each shows.
    init(_ rule: PairPolicy.Flags, base: BothSides<FlagSet>, now: BothSides<FlagSet>) {
        (a, b) = (now.a, now.b)
        switch rule {
        case .none: break
        case .overwriteB:
            // What B cannot keep was noted with the base, and is not tried again.
            if base != now { b = now.a }
        case .overwriteBWhenAChanged:
            if base.a != now.a { b = now.a }
        case .mergeIntoB: b = Self.merged(base, now, \.a).b
        case .mergeBoth: (a, b) = Self.merged(base, now, nil)
        }
    }

    /// A flag that changed on one side gets that side's value on the other; changed on both, it is set where either is.
    private static func merged(
        _ base: BothSides<FlagSet>, _ now: BothSides<FlagSet>, _ leading: KeyPath<BothSides<FlagSet>, FlagSet>?
    ) -> (a: FlagSet, b: FlagSet) {
        var (a, b) = (now.a, now.b)
        for flag in Set(base.a.flags + base.b.flags + now.a.flags + now.b.flags) {
            let changedA = base.a.contains(flag) != now.a.contains(flag)
            let changedB = base.b.contains(flag) != now.b.contains(flag)
            let value: Bool
            switch (changedA, changedB) {
            case (false, false): continue
            case (true, false): value = now.a.contains(flag)
            case (false, true):
                if leading != nil { continue }
                value = now.b.contains(flag)
            case (true, true):
                value = leading != nil ? now.a.contains(flag) : now.a.contains(flag) || now.b.contains(flag)
            }
            a = value ? a.inserting(flag) : a.removing(flag)
            b = value ? b.inserting(flag) : b.removing(flag)
        }
        return (a, b)
    }
}

extension FlagSet {
    func subtracting(_ other: FlagSet) -> FlagSet { FlagSet(flags.filter { !other.contains($0) }) }

    /// Equal by name without regard to case, as flags are.
    func union(_ other: FlagSet) -> FlagSet { FlagSet(flags + other.flags) }
}

extension PairPlanner {
    mutating func decideFlags(_ position: Int) {
        let work = works[position]
        guard let a = work.link.ends.a, let b = work.link.ends.b else { return }
        // A run that was to take the message out of A marked it: that says nothing about B.
        let own: FlagSet = work.link.state == .moved ? [.deleted] : []
        let now = BothSides(visible(work.flags(.a)).subtracting(own), work.flags(.b))
        let base = BothSides(visible(a.flags).subtracting(own), b.flags)
        let merge = FlagMerge(policy.flags, base: base, now: now)
        let shown = BothSides(merge.a, merge.b)
        var steps: [PairAction.FlagStep] = []
        var link = work.link
        for side in PairSide.allCases {
            guard let end = link[side], let message = message(end, side, flags: work.flags(side)) else { continue }
            let (adding, removing) = (
                shown[side].subtracting(now[side]), now[side].subtracting(shown[side])
            )
            link[side]?.flags = work.flags(side).subtracting(removing).union(adding)
            guard !adding.isEmpty || !removing.isEmpty, side == .b || policy.writesA else { continue }
            // A UID that means nothing names no message to change.
            guard half(end, side)?.look != .volatile else {
                link[side]?.flags = work.flags(side)
                continue
            }
            steps.append(
                .init(
                    message: message, adding: adding, removing: removing,
                    unchangedSince: half(end, side)?.highestModSeq))
        }
        if !steps.isEmpty {
            flagSteps.append(.setFlags(steps, link))
        } else if link.ends != work.link.ends {
            works[position].link = link
            works[position].isChanged = false
            if let adoption = work.adoption, case .record(_, let note, let message) = records[adoption] {
                records[adoption] = .record(link, note, message)
            } else {
                note(position, .flagsSeen)
            }
        }
    }

    /// A's `\Deleted` where it is not copied: left out of the comparison.
    private func visible(_ flags: FlagSet) -> FlagSet {
        policy.deletedFlag == .ignored ? flags.removing(.deleted) : flags
    }
}
