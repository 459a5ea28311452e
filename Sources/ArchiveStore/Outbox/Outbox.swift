import ArchiveCrypto
import MailCore

// mailarc-outbox/1
// archive <32 hex>
// writer <16 hex>
// sequence <decimal>        ; of the last segment
// prekey <32 hex>           ; it is sealed to
// digest <64 hex>           ; SHA-256 of it
/// The folder of a write-only host: segments that wait for the archive's owner.
///
/// ```
/// lock                     as of an archive (ArchiveFormat.md §12)
/// last                     mailarc-outbox/1
/// 1796000000000.sealed     segments; the owner takes them away
/// ```
package final class Outbox {
    static let type = "mailarc-outbox/1"
    package static let suffix = ".sealed"

    private let folder: String
    private let credential: CaptureCredential
    private let lock: WriterLock
    /// Of the last segment; 0: none.
    private var sequence: UInt64 = 0
    private var digest = [UInt8](repeating: 0, count: 32)
    private var prekey: RandomID?

    private var last: String { "\(folder)/last" }

    /// Takes the lock of the folder, which is made where it is not there, and ends what a dead process left.
    ///
    /// - Throws: `.locked`; `.damaged` for the folder of another host.
    package init(_ folder: String, _ credential: CaptureCredential, owner: WriterLock.Owner) throws(ArchiveError) {
        try FileTree.makeDirectory(folder)
        (self.folder, self.credential) = (folder, credential)
        lock = try WriterLock("\(folder)/lock", owner: owner)
        try recover()
    }

    /// The names of complete segments in `folder`, in their order.
    package static func segments(in folder: String) throws(ArchiveError) -> [String] {
        guard FileTree.exists(folder) else { throw ArchiveError(.missing, "there is no such folder", path: folder) }
        return try FileTree.names(in: folder).filter { $0.hasSuffix(suffix) }
    }

    /// Seals what `body` appends as one segment; it is durable when this returns its number.
    ///
    /// - Throws: `.limitExceeded` where the credential has no prekey for `time` any more.
    package func seal(
        messageCount: Int, time: Int64, _ body: (SegmentSealer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) -> UInt64 {
        guard let prekey = credential.prekey(at: time, notBefore: prekey) else {
            throw ArchiveError(.limitExceeded, "the credential \(credential.name) has ended")
        }
        // A folder that begins anew goes on above every number that another one gave: none stands for two segments.
        let number = sequence == 0 ? UInt64(max(1, time)) * Self.pace : sequence + 1
        let temporary = path(number, Self.temporarySuffix)
        try FileTree.remove(temporary)
        do throws(ArchiveError) {
            let head = SegmentHeader(
                writer: credential.writer, sequence: number, prekey: prekey.id, ephemeral: [], previous: digest,
                messageCount: UInt32(messageCount), time: time)
            let sealer = try SegmentSealer(temporary, head, credential: credential, prekey: prekey)
            try body(sealer)
            let digest = try sealer.finish()
            // ORDER: the segment is durable before the folder says that there is one; whoever dies between the two
            // steps below leaves both, and the next one gives it its name.
            try FileTree.replace(last, with: record(number, prekey.id, digest))
            (sequence, self.prekey, self.digest) = (number, prekey.id, digest)
            try FileTree.rename(temporary, to: path(number, Self.suffix))
        } catch {
            if sequence < number { try? FileTree.remove(temporary) }
            throw error
        }
        return number
    }

    private static let temporarySuffix = ".tmp"
    /// LIMIT: segments a second that a folder makes over all its life: more than any disk can sync.
    private static let pace: UInt64 = 1_000

    private func path(_ number: UInt64, _ suffix: String) -> String {
        let digits = String(number)
        return "\(folder)/\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits)\(suffix)"
    }

    private func record(_ sequence: UInt64, _ prekey: RandomID, _ digest: [UInt8]) -> [UInt8] {
        var file = TextFile(type: Self.type)
        file.append("archive", credential.archive.description)
        file.append("writer", credential.writer.hex)
        file.append("sequence", String(sequence))
        file.append("prekey", prekey.description)
        file.append("digest", digest.hex)
        return file.octets
    }

    private func recover() throws(ArchiveError) {
        guard FileTree.exists(last) else { return }
        let file = try VaultFiles.parse(last) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: Self.type)
        }
        do throws(CryptoError) {
            guard try file.value("archive") == credential.archive.description,
                try file.hex("writer", count: 8) == credential.writer
            else {
                throw CryptoError(.malformed, "the folder is another credential's")
            }
            guard let sequence = UInt64(try file.value("sequence")),
                let prekey = RandomID(hex: try file.value("prekey"))
            else { throw CryptoError(.malformed, "sequence or prekey are malformed") }
            (self.sequence, self.prekey, digest) = (sequence, prekey, try file.hex("digest", count: 32))
        } catch { throw ArchiveError(.damaged, error.message, path: last) }
        let temporary = path(sequence, Self.temporarySuffix)
        guard FileTree.exists(temporary) else { return }
        try FileTree.rename(temporary, to: path(sequence, Self.suffix))
    }
}
