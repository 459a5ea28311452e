public import ArchiveCompression
import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Adds a dictionary of the site, which small blobs use from the next session on.
    ///
    /// - Parameter dictionary: with the id ``Archive/nextDictionaryID``.
    public func addDictionary(_ dictionary: CompressionDictionary) throws(ArchiveError) {
        try checkRunning()
        guard dictionary.id == archive.nextDictionaryID else {
            throw ArchiveError(.limitExceeded, "the next dictionary is number \(archive.nextDictionaryID)")
        }
        // ORDER: the file is there before the leaf says so; a dictionary without a leaf harms nobody.
        let digest = try DictionarySet.store(
            dictionary, archive.layout, archive: archive.id, key: try archive.secret("dict"), random: context.random)
        guard let object = MerkleHash(octets: digest) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        try appendLeaf(.dictionary(object: object, number: dictionary.id, nonce: context.newID()))
    }
}

extension Archive {
    /// The compression dictionaries, the newest last.
    public var compressionDictionaries: [CompressionDictionary] { dictionaries.all }

    /// LIMIT: ArchiveFormat.md §7.3 has 16 bits for it.
    public var nextDictionaryID: UInt16 { (dictionaries.newest?.id ?? 0) &+ 1 }
}
