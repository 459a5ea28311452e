import ArchiveCrypto
import ArchiveLedger
import Foundation
import MailCore
import Testing

/// A ledger in a folder of its own that goes with it, and what is needed to open it.
final class TestLedger {
    let folder: String
    let archive: RandomID
    let seed = [UInt8](0..<32)
    let publicKey: [UInt8]
    let key: BundleKey
    var origin: String { "mailarc/\(archive)" }

    init() throws {
        folder = NSTemporaryDirectory() + "ledger-" + UUID().uuidString
        archive = try #require(RandomID(octets: [UInt8](0..<16)))
        publicKey = try Ed25519.publicKey(seed: seed)
        key = BundleKey(key: [UInt8](repeating: 7, count: 32), archive: archive, codec: nil)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var log: String { folder + "/log" }

    func open(withKey: Bool = true) throws -> Ledger {
        try Ledger.open(directory: log, origin: origin, publicKey: publicKey, bundleKey: withKey ? key : nil)
    }

    func check(withKey: Bool = true) throws -> LedgerReport {
        try Ledger.check(directory: log, origin: origin, publicKey: publicKey, bundleKey: withKey ? key : nil)
    }

    /// A published and durable ledger of `size` leaves, made in groups of `group`.
    func make(size: UInt64, group: UInt64 = 100, keeping: Bool = false) throws -> Ledger {
        var ledger = try open()
        var position: UInt64 = 0
        while position < size {
            let end = min(size, position + group)
            try ledger.append(Self.leaves(position..<end))
            position = end
            try ledger.publish(signingSeed: seed, keeping: keeping)
        }
        try ledger.sync()
        return ledger
    }

    /// Regular files below `log/`, relative, sorted.
    func paths() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: log).filter { path in
            var isFolder: ObjCBool = false
            let isThere = unsafe FileManager.default.fileExists(atPath: "\(log)/\(path)", isDirectory: &isFolder)
            return isThere && !isFolder.boolValue
        }.sorted()
    }

    func read(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(filePath: "\(log)/\(path)"))) }

    func write(_ octets: [UInt8], to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: ("\(log)/\(path)" as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(octets).write(to: URL(filePath: "\(log)/\(path)"))
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: "\(log)/\(path)") }

    static func leaves(_ range: Range<UInt64>) -> [[UInt8]] { range.map { leaf($0).text } }

    static func leaf(_ index: UInt64, salt: UInt8 = 9) -> Leaf {
        let digest = SHA256.hash(Array("message \(index)".utf8))
        let commit = LeafCommitment.digest(salt: [UInt8](repeating: salt, count: 32), sha256: digest)
        let keyID = RandomID(octets: Array(digest[..<16])) ?? .zero
        return Leaf(
            sequence: index, time: 1_795_400_000 + Int64(index), writer: [1, 2, 3, 4, 5, 6, 7, 8],
            .ingest(LeafCommitment(commit: commit, keyID: keyID, size: 1_000 + index)))
    }
}

extension RandomID {
    fileprivate static var zero: RandomID {
        guard let id = RandomID(octets: [UInt8](repeating: 0, count: 16)) else { preconditionFailure("16 octets") }
        return id
    }
}

/// The tree as RFC 6962 §2.1 defines it: recursive, from all leaf hashes.
enum ReferenceTree {
    static func root(_ leaves: ArraySlice<MerkleHash>) -> MerkleHash {
        guard leaves.count > 1 else { return leaves.first ?? .empty }
        let middle = leaves.startIndex + split(leaves.count)
        return .node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    static func inclusion(_ index: Int, _ leaves: ArraySlice<MerkleHash>) -> [MerkleHash] {
        guard leaves.count > 1 else { return [] }
        let count = split(leaves.count)
        let (left, right) = (leaves[..<(leaves.startIndex + count)], leaves[(leaves.startIndex + count)...])
        return index < count ? inclusion(index, left) + [root(right)] : inclusion(index - count, right) + [root(left)]
    }

    static func consistency(_ old: Int, _ leaves: ArraySlice<MerkleHash>, isRoot: Bool = true) -> [MerkleHash] {
        guard old < leaves.count else { return isRoot ? [] : [root(leaves)] }
        let count = split(leaves.count)
        let (left, right) = (leaves[..<(leaves.startIndex + count)], leaves[(leaves.startIndex + count)...])
        return old <= count
            ? consistency(old, left, isRoot: isRoot) + [root(right)]
            : consistency(old - count, right, isRoot: false) + [root(left)]
    }

    private static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }
}
