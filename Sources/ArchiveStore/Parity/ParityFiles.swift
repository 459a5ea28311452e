import ArchiveCrypto
import MailCore

/// The folder `parity/`: where it is, parity is wanted.
struct ParityFiles {
    let layout: ArchiveLayout

    var isWanted: Bool { FileTree.exists(layout.parity) }
    /// Not yet whole; no other name ends so.
    var temporary: String { "\(layout.parity)/stripe.tmp" }

    func paths() throws(ArchiveError) -> [String] {
        try FileTree.names(in: layout.parity).filter { !$0.hasSuffix(".tmp") }.map { "\(layout.parity)/\($0)" }
    }

    /// The stripe in the file, whatever archive's; `nil` if its head says nothing.
    static func stripe(at path: String) -> (stripe: ParityStripe, file: SystemFile)? {
        guard let file = try? SystemFile(path, .read), let header = try? file.read(32, at: 0),
            let archive = RandomID(octets: Array(header[16..<32])),
            let stripe = try? ParityStripe.read(file, archive: archive)
        else { return nil }
        return (stripe, file)
    }

    /// Removes every stripe that holds octets of one of `packs`, and those that do not tell what they hold.
    ///
    /// With the other members at hand, a stripe gives back each of them: it goes before what it holds is to be gone.
    func drop(_ packs: Set<[UInt8]>, fault: (@Sendable (FaultStep) -> Void)?) throws(ArchiveError) {
        guard isWanted else { return }
        try FileTree.remove(temporary)
        for path in try paths() {
            if let stripe = Self.stripe(at: path)?.stripe,
                !stripe.members.contains(where: { packs.contains($0.digest) })
            {
                continue
            }
            try FileTree.remove(path)
            fault?(.parityRemove)
        }
        try FileTree.syncDirectory(layout.parity)
    }

    /// Writes the stripe over `members`; their packs that are not what they are called, and then no stripe.
    func write(
        _ stripe: ParityStripe, archive: RandomID, fault: (@Sendable (FaultStep) -> Void)?
    ) throws(ArchiveError) -> (damaged: [ParityStripe.Member], octetCount: UInt64) {
        try FileTree.remove(temporary)
        var packs: [SystemFile] = []
        for member in stripe.members { packs.append(try SystemFile(layout.pack(member.digest.hex), .read)) }
        let file = try SystemFile(temporary, .create)
        var hash = SHA256()
        var at: UInt64 = 0
        func append(_ octets: [UInt8]) throws(ArchiveError) {
            try file.write(octets, at: at)
            hash.update(octets)
            at += UInt64(octets.count)
        }
        try append(stripe.encodeHead(archive: archive))
        var sum = ParitySum(stripe, packs)
        try sum.run { octets throws(ArchiveError) in try append(octets) }
        guard sum.damaged.isEmpty else {
            try FileTree.remove(temporary)
            return (sum.damaged, 0)
        }
        var tables = ByteWriter(capacity: 4 * sum.checksums.reduce(0) { $0 + $1.count })
        for table in sum.checksums { for checksum in table { tables.u32(checksum) } }
        try append(tables.octets)
        try file.sync()
        fault?(.parityWrite)
        // ORDER: the octets are durable before the name says that they are there.
        try FileTree.rename(temporary, to: "\(layout.parity)/\(hash.digest().hex)")
        return ([], at)
    }
}

extension SystemFile {
    /// Of all its octets; reads them a window at a time.
    func sha256() throws(ArchiveError) -> [UInt8] {
        var hash = SHA256()
        var at: UInt64 = 0
        while true {
            let octets = try readUpTo(1 << 20, at: at)
            guard !octets.isEmpty else { return hash.digest() }
            hash.update(octets)
            at += UInt64(octets.count)
        }
    }
}
