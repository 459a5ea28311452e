import ArchiveCrypto
import MailCore

/// A sealed pack put together from what is whole in several damaged files of it; its name proves the result.
struct PackAssembly {
    let digest: [UInt8]
    /// What of it may be had: the archive's own file, those of replicas.
    let files: [SystemFile]
    /// From `index/`, if there is one.
    let copy: FooterCopy?
    let keys: KeyHierarchy

    private static let windowLength = 1 << 20

    /// Appends the whole pack to `output`; false if no way to put it together can be seen.
    func write(to output: RepairFiles.Output) throws(ArchiveError) -> Bool {
        guard let frame = frame(), let entries = try? frame.entries(keys), let length = try? frame.packLength() else {
            return false
        }
        try output.append(frame.header)
        var at = UInt64(PackHeader.length)
        let end = length - UInt64(frame.footer.count + PackTrailer.length)
        for entry in entries.sorted(by: { $0.offset < $1.offset }) {
            guard entry.offset == at, at + entry.storedLength <= end, let file = try source(of: entry) else {
                return false
            }
            var rest = entry.storedLength
            while rest > 0 {
                let octets = try file.read(Int(min(UInt64(Self.windowLength), rest)), at: at)
                try output.append(octets)
                at += UInt64(octets.count)
                rest -= UInt64(octets.count)
            }
        }
        guard at == end else { return false }
        try output.append(frame.footer)
        try output.append(frame.trailer)
        return true
    }

    /// Header, footer and trailer that open.
    func frame() -> FooterCopy? {
        if let copy, (try? copy.entries(keys)) != nil { return copy }
        for file in files {
            if let found = try? FooterCopy(of: file, digest: digest), (try? found.entries(keys)) != nil { return found }
        }
        return nil
    }

    /// A file in which the blob agrees with its checksum.
    func source(of entry: FooterEntry) throws(ArchiveError) -> SystemFile? {
        for file in files where try Self.isWhole(entry, in: file) { return file }
        return nil
    }

    static func isWhole(_ entry: FooterEntry, in file: SystemFile) throws(ArchiveError) -> Bool {
        guard try file.size() >= entry.offset + entry.storedLength else { return false }
        var checksum = CRC32C()
        var at = entry.offset
        let end = entry.offset + entry.storedLength
        while at < end {
            let octets = try file.read(Int(min(UInt64(windowLength), end - at)), at: at)
            checksum.update(octets.span)
            at += UInt64(octets.count)
        }
        return checksum.value == entry.checksum
    }
}
