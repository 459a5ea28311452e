import MailCore

/// Which stripes stay, which go, and which packs come into new ones.
///
/// Stripes that are full and whole stay for ever. One that is not full is given up when there are packs to fill it with;
/// one of which a pack is missing stays as it is: it can bring the pack back.
package struct ParityPlan: Sendable {
    /// Packs of stripes to be made, at most 16 each.
    package private(set) var stripes: [[ParityStripe.Member]] = []
    /// Files to be removed, after those are there.
    package private(set) var dropped: [String] = []
    /// Packs of stripes that stay.
    package private(set) var keptPackCount = 0

    package var packCount: Int { stripes.reduce(0) { $0 + $1.count } }
    /// What the new files take.
    package var octetCount: UInt64 { stripes.reduce(0) { $0 + ParityStripe(members: $1).fileLength } }

    package init(_ archive: Archive) throws(ArchiveError) {
        let present = try Self.packs(archive)
        let files = ParityFiles(layout: archive.layout)
        var covered: Set<[UInt8]> = []
        var short: [(path: String, members: [ParityStripe.Member])] = []
        for path in try files.paths() {
            guard let (stripe, file) = ParityFiles.stripe(at: path) else {
                dropped.append(path)
                continue
            }
            let isComplete = stripe.members.allSatisfy { present[$0.digest] == $0.length }
            let isWhole = path.hasSuffix("/" + (try file.sha256()).hex)
            var isReplaced = false
            for member in stripe.members where present[member.digest] == nil {
                if try archive.gone(member.digest) != nil { isReplaced = true }
            }
            if isReplaced || (isComplete && !isWhole) {
                dropped.append(path)
            } else if isComplete, stripe.members.count < ParityStripe.maximumMembers {
                short.append((path, stripe.members))
            } else {
                covered.formUnion(stripe.members.map(\.digest))
            }
        }
        var free = Set(present.keys).subtracting(covered).subtracting(short.flatMap { $0.members.map(\.digest) })
        if free.isEmpty {
            covered.formUnion(short.flatMap { $0.members.map(\.digest) })
        } else {
            dropped += short.map(\.path)
            free.formUnion(short.flatMap { $0.members.map(\.digest) })
        }
        keptPackCount = covered.count
        // Packs of about one length share a stripe, which is as long as the longest.
        let members = free.map { ParityStripe.Member(digest: $0, length: present[$0] ?? 0) }
            .sorted { ($1.length, $0.digest.hex) < ($0.length, $1.digest.hex) }
        stripes = stride(from: 0, to: members.count, by: ParityStripe.maximumMembers).map { start in
            Array(members[start..<min(start + ParityStripe.maximumMembers, members.count)])
        }
    }

    /// The sealed packs that count, with their lengths.
    private static func packs(_ archive: Archive) throws(ArchiveError) -> [[UInt8]: UInt64] {
        let names = try archive.layout.packNames()
        var packs: [[UInt8]: UInt64] = [:]
        for digest in names.sealed {
            if names.gone.contains(digest), try archive.gone(digest) != nil { continue }
            packs[digest] = FileTree.size(archive.layout.pack(digest.hex))
        }
        return packs
    }
}

/// What became of the stripes.
package struct ParitySummary: Sendable {
    /// Packs in stripes now.
    package internal(set) var packCount = 0
    package internal(set) var newStripeCount = 0
    package internal(set) var newOctetCount: UInt64 = 0
    /// Packs that are not what their names say, relative to the archive: in no stripe.
    package internal(set) var damaged: [String] = []
}

extension ArchiveWriter {
    /// Whether there is a folder for parity: then it is kept up.
    package var wantsParity: Bool { ParityFiles(layout: archive.layout).isWanted }

    /// Puts every sealed pack into a stripe of parity (ArchiveFormat.md §15).
    ///
    /// Old stripes go after new ones are durable. Lanes must be finished.
    package func renewParity(
        progress: @Sendable (_ done: Int, _ total: Int) -> Void
    ) throws(ArchiveError) -> ParitySummary {
        try checkRunning()
        let (layout, files) = (archive.layout, ParityFiles(layout: archive.layout))
        try FileTree.makeDirectory(layout.parity)
        try FileTree.syncDirectory(layout.root)
        try FileTree.remove(files.temporary)
        let plan = try ParityPlan(archive)
        var summary = ParitySummary(packCount: plan.keptPackCount)
        for (done, members) in plan.stripes.enumerated() {
            progress(done, plan.stripes.count)
            var members = members
            while !members.isEmpty {
                let (damaged, octets) = try files.write(
                    ParityStripe(members: members), archive: archive.id, fault: options.fault)
                guard !damaged.isEmpty else {
                    summary.newStripeCount += 1
                    summary.packCount += members.count
                    summary.newOctetCount += octets
                    break
                }
                // What is wrong already must not pass for what is to be kept.
                members.removeAll { damaged.contains($0) }
                summary.damaged += damaged.map { layout.relative(layout.pack($0.digest.hex)) }
            }
        }
        for path in plan.dropped {
            try FileTree.remove(path)
            options.fault?(.parityRemove)
        }
        try FileTree.syncDirectory(layout.parity)
        progress(plan.stripes.count, plan.stripes.count)
        return summary
    }
}
