/// What became of `init`.
public struct CreationReport: Codable, Sendable {
    public var archive: String
    public var path: String
    public var slot: String
    public var isPlain: Bool
}

/// One way to the archive's root key.
public struct KeyRow: Codable, Sendable {
    /// SHA-256 of the slot file, 64 hex digits.
    public var id: String
    /// `scrypt`, `keyfile`, `plain`, `x25519`; `unknown` (of a later version) and `damaged` open nothing here.
    public var type: String
    public var label: String
    public var created: String
    /// Whom an `x25519` key is for: `age1…`.
    public var recipient: String?
}

/// What `key rotate --slot` did, or would do.
public struct KeyRotation: Codable, Sendable {
    public var removed: KeyRow
    /// `nil` of a dry run.
    public var added: KeyRow?
}

/// A key slot's file, for safe-keeping.
public struct SlotExport: Codable, Sendable {
    public var key: KeyRow
    /// Below the archive: `keys/<id>.slot`.
    public var path: String
    /// The file, as it stands.
    public var text: String
}

/// A public key of the log.
public struct LogKeyRow: Codable, Sendable {
    /// SHA-256 of the key's 32 octets, 64 hex digits.
    public var fingerprint: String
    /// The key, 32 octets, base64.
    public var key: String
    /// The smallest tree it signs, or signed.
    public var firstSize: UInt64
    /// The largest one; `nil` of the present key.
    public var lastSize: UInt64?
    /// SubjectPublicKeyInfo in PEM, for `openssl pkeyutl -verify`.
    public var pem: String
    /// By this key over ``handoverText``, base64; `nil` of the present key.
    public var handover: String?
    /// What the key signed to name the next one.
    public var handoverText: String?
}

/// The keys behind the log's checkpoints, in the order they signed; the last one signs now.
public struct LogKeysReport: Codable, Sendable {
    public var origin: String
    public var keys: [LogKeyRow]
}

/// A mailbox after a run: the server's count beside what the archive holds.
public struct MailboxOutcome: Codable, Sendable {
    public var mailbox: String
    /// Messages the source lists.
    public var server: Int
    /// Of these, in the archive.
    public var archived: Int
    /// Of these, refused with a reason code.
    public var quarantined: Int
    /// Of these, erased here and not taken again.
    public var erased: Int
    public var new: Int
    public var flagChanges: Int
    public var expunged: Int
    public var moved: Int
    /// "renamed from X", "UIDVALIDITY changed, re-paired", …; empty when there is nothing to say.
    public var note: String
    public var isBalanced: Bool { server == archived + quarantined + erased }
}

/// A message that could not be taken.
public struct QuarantineRow: Codable, Sendable {
    public var mailbox: String
    public var uid: UInt32
    /// The code of `Refusal.Reason`.
    public var reason: String
    public var detail: String
}

/// What became of a pull or import.
public struct PullReport: Codable, Sendable {
    public var account: String
    public var mailboxes: [MailboxOutcome]
    public var quarantined: [QuarantineRow]
    /// Whole mailboxes that could not be looked at, as sentences.
    public var problems: [String]
    /// Sentences of what would be done; with `--dry-run` only.
    public var plan: [String]
    public var newMessages: Int
    /// Of the new occurrences, those whose octets the archive already had.
    public var knownContents: Int
    public var octetsFetched: Int
    public var isUnchanged: Bool
    public var isBalanced: Bool
    /// The source broke off; the last of the problems says how.
    public var isInterrupted: Bool
}

/// A message as lists show it.
public struct MessageRow: Codable, Sendable {
    /// 32 hex digits; any unique prefix names the message on the command line.
    public var id: String
    /// The Date field, else the internal date; RFC 3339.
    public var date: String?
    public var from: String
    public var to: String
    public var subject: String
    public var octets: Int
    public var attachments: Int
    /// Where it is or was: `account:mailbox`.
    public var mailboxes: [String]
    public var flags: [String]
}

/// One page of hits.
public struct SearchReport: Codable, Sendable {
    public var query: String
    public var total: Int
    public var offset: Int
    public var messages: [MessageRow]
}

/// One mailbox with counts.
public struct MailboxRow: Codable, Sendable {
    public var account: String
    public var mailbox: String
    public var role: String?
    public var messages: Int
    public var octets: Int
    public var state: String
}

/// A part as `show` lists it.
public struct PartRow: Codable, Sendable {
    public var path: String
    public var type: String
    public var encoding: String
    public var octets: Int
    public var fileName: String?
}

/// One occurrence of a message.
public struct OccurrenceLine: Codable, Sendable {
    public var account: String
    public var mailbox: String
    public var uidValidity: UInt32
    public var uid: UInt32
    public var flags: [String]
    public var internalDate: String?
    public var since: String
    public var until: String?
    public var movedTo: String?
}

/// One message in full.
public struct ShownMessage: Codable, Sendable {
    public var message: MessageRow
    public var headers: [HeaderLine]
    public var text: String
    public var isTextTruncated: Bool
    public var parts: [PartRow]
    public var occurrences: [OccurrenceLine]
    public var defects: [String]
    public var sha256: String
    public var ledgerIndex: UInt64
}

/// A decoded header field.
public struct HeaderLine: Codable, Sendable {
    public var name: String
    public var value: String
}

/// What became of an export.
public struct ExportReport: Codable, Sendable {
    public var target: String
    public var occurrences: Int
    public var messages: Int
    public var octets: Int
    public var mailboxes: Int
    /// What could not be written, as sentences.
    public var problems: [String]
}

/// What the archive holds and costs.
public struct StatisticsReport: Codable, Sendable {
    public var archive: String
    public var isPlain: Bool
    public var messages: Int
    public var occurrences: Int
    public var accounts: Int
    public var mailboxes: Int
    public var quarantined: Int
    /// Octets of all distinct messages as they came.
    public var messageOctets: Int
    /// Octets of all occurrences as they came (what a plain copy would hold).
    public var occurrenceOctets: Int
    public var packs: Int
    public var packOctets: Int
    /// Octets in packs that belong to nothing that lives; `compact` takes them away.
    public var deadOctets: Int
    /// Their share of the packs, 0 to 1.
    public var deadShare: Double
    /// Those of them that were erased.
    public var erasedOctets: Int
    public var vaultOctets: Int
    public var ledgerOctets: Int
    public var catalogOctets: Int
    public var stateOctets: Int
    public var parityOctets: Int
    public var totalOctets: Int
    public var ledgerSize: UInt64
    public var ledgerRoot: String
}

/// One thing that is not as it must be.
public struct Finding: Codable, Sendable {
    public var level: Int
    public var path: String
    public var offset: UInt64?
    public var problem: String
    /// What kind of thing is wrong, a word.
    public var kind: String
    public var verdict: CheckVerdict
    /// The command that mends it, or what else to do.
    public var mend: String
}

/// What a check comes to; the exit code follows from it.
public enum CheckVerdict: String, Codable, Sendable, Comparable, CaseIterable {
    case clean
    /// Only what is made anew from the rest is wrong: catalog, state, copies of footers, parity.
    case stale
    /// Nothing is wrong, but the ledger says that something was lost for good.
    case lost
    case damaged
    /// Genuine, but older or other than it must be.
    case tampered

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    public static func < (left: CheckVerdict, right: CheckVerdict) -> Bool { left.rank < right.rank }
}

/// What `check` saw.
public struct CheckReport: Codable, Sendable {
    public var level: Int
    public var sample: Double
    /// The gravest of what was found.
    public var verdict: CheckVerdict
    public var packs: Int
    public var blobs: Int
    public var messages: Int
    public var octets: Int
    public var leaves: UInt64
    /// Messages that a leaf says are gone, wholly or in part, and blobs so told.
    public var lostMessages: Int
    public var lostBlobs: Int
    public var findings: [Finding]
    /// Nothing is wrong, but something is not as safe as it could be.
    public var notes: [String]
    public var isClean: Bool { findings.isEmpty }
}

/// What is in stripes of parity.
public struct ParityReport: Codable, Sendable {
    /// Packs that are in a stripe.
    public var packs: Int
    public var newStripes: Int
    /// Of the new stripes.
    public var newOctets: Int
    /// Packs that are not what their names say, and in no stripe for that.
    public var damaged: [String]
}

/// A file that `repair` made whole.
public struct MendedFile: Codable, Sendable {
    /// Relative to the archive.
    public var path: String
    /// The replica it came from, or how it was made.
    public var source: String
}

/// A blob that is gone for good.
public struct LostBlob: Codable, Sendable {
    /// `message`, `part` or `events`.
    public var kind: String
    public var id: String
}

/// What `repair` mended, or would.
public struct RepairReport: Codable, Sendable {
    public var isDryRun: Bool
    /// Findings of a check before.
    public var found: Int
    public var mended: [MendedFile]
    /// What is still wrong.
    public var left: [Finding]
    /// What is gone, as `loss` leaves now say.
    public var lost: [LostBlob]
    /// Of `--add-parity`.
    public var parity: ParityReport?
    public var isSound: Bool { left.isEmpty }
}

/// A place of the erasure secret.
public struct AnchorRow: Codable, Sendable {
    public var name: String
    /// `inside`, `directory`, `ssh`, `exec`.
    public var kind: String
    public var place: String
    /// `ready`, `works`, or what is wrong.
    public var state: String
}

/// What `anchor` saw or did.
public struct AnchorReport: Codable, Sendable {
    /// Of the vault; each erasure and each change of anchors starts another.
    public var epoch: Int
    public var anchors: [AnchorRow]
    /// Old secrets that could not be destroyed yet.
    public var outstanding: [String]
    public var warnings: [String]
    public var isWhole: Bool {
        outstanding.isEmpty && anchors.allSatisfy { ["ready", "works", "would be used"].contains($0.state) }
    }
}

/// A compression dictionary.
public struct DictionaryRow: Codable, Sendable {
    public var id: Int
    /// `built in` or `trained here`.
    public var origin: String
    public var octets: Int
}

/// What a training gave.
public struct DictionaryReport: Codable, Sendable {
    /// Of the sample.
    public var messages: Int
    /// Lines that are in it.
    public var lines: Int
    public var octets: Int
    /// The other half of the sample, packed with the present dictionary and with the new one.
    public var before: Int
    public var after: Int
    public var pays: Bool
    public var isKept: Bool
}

/// One pack a compaction takes.
public struct CompactionRow: Codable, Sendable {
    /// Where it is, relative to the archive.
    public var pack: String
    /// `erased`, `dead` or `small`.
    public var reason: String
    public var octets: Int
    public var deadOctets: Int
    public var erasedOctets: Int
}

/// What `compact` did, or would do.
public struct CompactionReport: Codable, Sendable {
    public var isDryRun: Bool
    /// What is replaced.
    public var packs: [CompactionRow]
    public var newPacks: Int
    /// Ciphertext that is carried over.
    public var liveOctets: Int
    /// Dead octets that go, and those of them that were erased.
    public var deadOctets: Int
    public var erasedOctets: Int
    /// By how much all packs together shrink; `nil` before it was done.
    public var freedOctets: Int?
}

/// What `rebuild-catalog` did.
public struct RebuildReport: Codable, Sendable {
    public var messages: Int
    public var events: Int
    public var octets: Int
    public var generation: Int
}

/// What `account test` saw.
public struct AccountTestReport: Codable, Sendable {
    public var account: String
    public var server: String?
    public var mailboxes: Int
    public var messages: Int
    public var sample: [String]
}

/// What became of a backup.
public struct BackupReport: Codable, Sendable {
    public var destination: String
    public var isDryRun: Bool
    /// There was no copy before.
    public var isFirst: Bool
    public var copiedFiles: Int
    public var copiedOctets: Int
    /// Read back from the destination and found as they must be, now.
    public var verifiedFiles: Int
    public var verifiedOctets: Int
    public var removedFiles: Int
    /// Paths that were damaged at the destination and were copied again.
    public var mended: [String]
    /// Erasures that reached the copy now.
    public var erasures: Int
    public var problems: [String]
    /// The copy opens only with an anchor's erasure secret beside passphrase or key file.
    public var needsAnchor: Bool
    public var ledgerSize: UInt64
}
