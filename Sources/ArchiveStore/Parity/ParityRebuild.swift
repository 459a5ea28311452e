import ArchiveCrypto
import MailCore

/// A sealed pack from what is whole of it and, for the rest, from its stripe and the stripe's other packs.
///
/// Row by row: of each row of a stripe one member may be damaged. The result is proven by the pack's name, not here.
struct ParityRebuild {
    private let stripe: ParityStripe
    private let file: SystemFile
    private let checksums: [[UInt32]]
    /// By member; `nil` where there is none.
    private let packs: [SystemFile?]
    private let index: Int

    /// `nil` if no stripe that can be read holds the pack.
    init?(of digest: [UInt8], _ layout: ArchiveLayout, archive: RandomID) {
        for path in (try? ParityFiles(layout: layout).paths()) ?? [] {
            guard let file = try? SystemFile(path, .read),
                let stripe = try? ParityStripe.read(file, archive: archive),
                let index = stripe.members.firstIndex(where: { $0.digest == digest }),
                let checksums = try? stripe.checksums(file)
            else { continue }
            (self.stripe, self.file, self.checksums, self.index) = (stripe, file, checksums, index)
            packs = stripe.members.map { try? SystemFile(layout.pack($0.digest.hex), .read) }
            return
        }
        return nil
    }

    /// Hands over the pack's octets in order; false if a row cannot be had.
    func write(_ take: ([UInt8]) throws(ArchiveError) -> Void) throws(ArchiveError) -> Bool {
        for row in checksums[index].indices {
            if let octets = try own(row, of: index) {
                try take(octets)
            } else if let octets = try reckoned(row) {
                try take(octets)
            } else {
                return false
            }
        }
        return true
    }

    /// The row of a member as its own file has it, if it is whole there.
    private func own(_ row: Int, of member: Int) throws(ArchiveError) -> [UInt8]? {
        guard let pack = packs[member] else { return nil }
        let at = UInt64(row) * UInt64(ParityStripe.rowLength)
        let count = min(UInt64(ParityStripe.rowLength), stripe.members[member].length - at)
        let octets = try pack.readUpTo(Int(count), at: at)
        guard octets.count == Int(count), CRC32C.checksum(octets) == checksums[member][row] else { return nil }
        return octets
    }

    /// The row as the stripe and all other members give it.
    private func reckoned(_ row: Int) throws(ArchiveError) -> [UInt8]? {
        let at = UInt64(row) * UInt64(ParityStripe.rowLength)
        let count = Int(min(UInt64(ParityStripe.rowLength), stripe.length - at))
        var sum = try file.read(count, at: stripe.rowsOffset + at)
        for member in stripe.members.indices where member != index && row < checksums[member].count {
            guard let octets = try own(row, of: member) else { return nil }
            ParitySum.add(octets, to: &sum)
        }
        let octets = Array(sum.prefix(Int(min(UInt64(count), stripe.members[index].length - at))))
        return CRC32C.checksum(octets) == checksums[index][row] ? octets : nil
    }
}

/// What repairs and tests ask of parity.
package enum ParityAccess {
    /// Hands over the octets of the sealed pack `digest`, from its file and its stripe; false if they cannot be had.
    ///
    /// Whoever takes them compares their SHA-256 with `digest`.
    package static func rebuild(
        _ digest: [UInt8], _ archive: Archive, _ take: ([UInt8]) throws(ArchiveError) -> Void
    ) throws(ArchiveError) -> Bool {
        guard let rebuild = ParityRebuild(of: digest, archive.layout, archive: archive.id) else { return false }
        return try rebuild.write(take)
    }
}
