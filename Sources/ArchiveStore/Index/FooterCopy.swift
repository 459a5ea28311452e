import ArchiveCrypto
import MailCore

/// What of a sealed pack is not blobs, octet for octet: with the blobs it makes the pack whole again.
struct FooterCopy: Sendable, Hashable {
    /// SHA-256 of the pack: its name, and the proof of whatever is made with this.
    var pack: [UInt8]
    /// 128 octets.
    var header: [UInt8]
    /// 160 octets.
    var trailer: [UInt8]
    /// As sealed.
    var footer: [UInt8]

    init(pack: [UInt8], header: [UInt8], trailer: [UInt8], footer: [UInt8]) {
        (self.pack, self.header, self.trailer, self.footer) = (pack, header, trailer, footer)
    }

    /// Copies from the pack in `file`, whose name is `digest`; says nothing of the truth of what it copies.
    init(of file: SystemFile, digest: [UInt8]) throws(ArchiveError) {
        let (found, size) = try PackEntries.trailer(file)
        pack = digest
        header = try file.read(PackHeader.length, at: 0)
        trailer = try file.read(PackTrailer.length, at: size - UInt64(PackTrailer.length))
        footer = try file.read(Int(found.footerLength), at: found.footerOffset)
    }

    /// pack header(128) ‖ trailer(160) ‖ footer   ; ArchiveFormat.md §16
    var octets: [UInt8] { header + trailer + footer }

    /// - Throws: `.damaged`.
    init(pack: [UInt8], octets: [UInt8]) throws(ArchiveError) {
        let start = PackHeader.length + PackTrailer.length
        guard octets.count >= start else { throw ArchiveError(.damaged, "a footer copy is cut off") }
        self.init(
            pack: pack, header: Array(octets[..<PackHeader.length]), trailer: Array(octets[PackHeader.length..<start]),
            footer: Array(octets[start...]))
    }

    /// The length of the whole pack.
    func packLength() throws(ArchiveError) -> UInt64 {
        let trailer = try PackTrailer(decoding: trailer)
        guard Int(trailer.footerLength) == footer.count, trailer.footerOffset <= 1 << 33 else {
            throw ArchiveError(.damaged, "a footer copy does not agree with its trailer")
        }
        return trailer.footerOffset + UInt64(footer.count + PackTrailer.length)
    }

    /// The entries the footer seals.
    func entries(_ keys: KeyHierarchy) throws(ArchiveError) -> [FooterEntry] {
        let header = try PackHeader(decoding: header, archive: keys.archiveID)
        let trailer = try PackTrailer(decoding: trailer)
        do {
            let octets = try XAES256GCM.open(
                footer, key: keys.footerKey(writerID: header.writer, packID: header.pack), nonce: trailer.footerNonce,
                aad: Array("mailarc/1/footer\0".utf8) + self.header)
            return try FooterEntries.decode(octets)
        } catch { throw ArchiveError(.damaged, "a copied footer does not open", cause: error) }
    }
}
