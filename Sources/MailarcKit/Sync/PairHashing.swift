internal import ArchiveCrypto
package import MailSync

/// SHA-256 for the content ids of a pair.
package struct PairHashing: ContentHashing {
    package init() {}

    package func start() -> any RunningHash { Running() }

    private final class Running: RunningHash {
        private var hash: SHA256

        init(_ hash: consuming SHA256 = SHA256()) { self.hash = hash }

        func update(_ octets: ArraySlice<UInt8>) { hash.update(octets.span) }
        func copy() -> any RunningHash { Running(hash.copy()) }
        func finish() -> [UInt8] { hash.digest() }
    }
}
