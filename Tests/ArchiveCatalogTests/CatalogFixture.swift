import ArchiveCatalog
import ArchiveVFS
import Foundation
import MailCore
import Testing

/// A folder with catalogs.
final class CatalogFixture {
    /// Of this process; removed when it ends.
    private static let root: String = {
        atexit { try? FileManager.default.removeItem(atPath: CatalogFixture.rootPath) }
        return rootPath
    }()
    private static let rootPath = FileManager.default.temporaryDirectory.path + "/mailarc-catalog-" + UUID().uuidString

    let folder: String

    init() throws {
        try EncryptedVFS.register()
        folder = Self.root + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func file(_ name: String, isEncrypted: Bool = true) -> CatalogFile {
        let path = folder + "/" + name
        guard isEncrypted else { return unsafe CatalogFile(path: path) }
        EncryptedVFS.setKey(
            .init(repeating: 5, count: 32), databaseID: .init(repeating: 6, count: 16), forDatabaseAt: path)
        return unsafe CatalogFile(path: EncryptedVFS.uri(forDatabaseAt: path)) { connection in
            unsafe try EncryptedVFS.prepare(connection: connection)
        }
    }

    func catalog(_ name: String = "cat.db", isEncrypted: Bool = true) throws -> Catalog {
        try Catalog.create(at: file(name, isEncrypted: isEncrypted))
    }
}

/// The id whose last octets spell `number`.
func id(_ number: Int) throws -> RandomID {
    let bytes = (0..<16).map { UInt8(truncatingIfNeeded: $0 < 8 ? 0xA0 : number >> (8 * (15 - $0))) }
    return try #require(RandomID(octets: bytes))
}

func address(_ mailbox: String, _ uid: UInt32, account: String = "work", validity: UInt32 = 1) throws
    -> OccurrenceAddress
{
    OccurrenceAddress(
        account: account, mailbox: MailboxName(mailbox), uidValidity: UIDValidity(validity),
        uid: try #require(UID(uid)))
}

func placed(_ message: Int, _ address: OccurrenceAddress, _ flags: FlagSet = []) throws -> OccurrenceEvent {
    .placed(
        message: try id(message), at: address, flags: flags,
        internalDate: InternalDate(secondsSinceEpoch: Int64(message), zoneOffset: 60), modSeq: ModSeq(7),
        channel: .imap, fidelity: .exact)
}

func entry(_ number: Int, date: Int64 = 0, size: UInt64 = 1_000, attachments: Int = 0, _ text: IndexedText) throws
    -> CatalogEntry
{
    CatalogEntry(
        keyID: try id(number), leafIndex: UInt64(number), octetCount: size, date: date, messageID: "m\(number)@x",
        subject: text.subject, from: text.from, to: text.to, cc: text.cc, archivedAt: 5,
        attachmentCount: attachments, references: [try id(number + 100_000)], text: text)
}

func seconds(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    CivilTime(year: year, month: month, day: day).secondsSinceEpoch
}

/// What a mailbox held: `uid:message number[flags]`.
func content(_ catalog: Catalog, _ mailbox: String, at moment: Int64? = nil) throws -> [String] {
    try catalog.messages(in: MailboxName(mailbox), at: moment).map { place in
        "\(place.address.uidValidity)/\(place.address.uid):\(place.message.octets[15])[\(place.flags)]"
    }
}
