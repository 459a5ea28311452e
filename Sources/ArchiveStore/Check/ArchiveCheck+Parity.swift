import ArchiveCrypto
import MailCore

/// Stripes of parity: level 0 by their names, level 4 by reckoning them again.
extension ArchiveCheck {
    mutating func checkParity() {
        attempt(layout.parity) { check throws(ArchiveError) in
            for path in try ParityFiles(layout: check.layout).paths() {
                check.attempt(path) { check throws(ArchiveError) in try check.checkStripe(path) }
            }
        }
    }

    private mutating func checkStripe(_ path: String) throws(ArchiveError) {
        options.progress?(0, 1, layout.relative(path))
        let file = try SystemFile(path, .read)
        guard path.hasSuffix("/" + (try file.sha256()).hex) else {
            return find(.wrongName, path, "its octets are not those of its name")
        }
        let stripe = try ParityStripe.read(file, archive: identity.archive)
        for member in stripe.members where gone[member.digest] != nil {
            find(.returned, path, "it still holds octets of the replaced pack \(member.digest.hex)")
        }
        if options.level >= .derived { try recompute(stripe, file) }
    }

    private mutating func recompute(_ stripe: ParityStripe, _ file: SystemFile) throws(ArchiveError) {
        var packs: [SystemFile] = []
        for member in stripe.members {
            guard FileTree.exists(layout.pack(member.digest.hex)) || gone[member.digest] != nil else {
                return find(.missing, file.path, "it is of a pack that is not there, \(member.digest.hex)")
            }
            // One that is of another length is a finding of its own.
            guard let pack = try? SystemFile(layout.pack(member.digest.hex), .read),
                try pack.size() == member.length
            else { return }
            packs.append(pack)
        }
        var sum = ParitySum(stripe, packs)
        var (at, wrong): (UInt64, UInt64?) = (stripe.rowsOffset, nil)
        try sum.run { octets throws(ArchiveError) in
            if try file.read(octets.count, at: at) != octets, wrong == nil { wrong = at }
            at += UInt64(octets.count)
        }
        guard sum.damaged.isEmpty else { return }
        let tables = try stripe.checksums(file)
        if let wrong = wrong ?? (tables == sum.checksums ? nil : at) {
            find(.damaged, file.path, "its octets are not the sum of its packs", at: wrong)
        }
    }
}
