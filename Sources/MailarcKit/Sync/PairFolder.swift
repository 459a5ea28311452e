import ArchiveCrypto
import Glibc
import MailCore
import MailSync

/// Where what is known of one pair of ends is kept: `<base>/<hash of both ends>/`.
///
/// The database and the UIDs given to Maildirs, readable by their owner alone; no subject and no address is in them.
struct PairFolder {
    let path: String
    /// What tells this pair from every other one.
    let ends: String

    /// Makes nothing yet.
    ///
    /// - Parameter base: default `$XDG_STATE_HOME/mailarc/pairs`.
    init(_ a: SyncEndpoint, _ b: SyncEndpoint, subfolder: String?, base: String?) throws(KitError) {
        let root = base ?? StateFolder.path("pairs")
        ends = try "\(a.identity())\n\(b.identity())\n\(subfolder ?? "")"
        path = "\(root)/\(SHA256.hash(Array(ends.utf8)).prefix(12).hex)"
    }

    /// Makes the folder.
    func make() throws(KitError) { try StateFolder.make(path) }

    var database: String { path + "/pair.db" }
    func uidLists(_ side: String) -> String { "\(path)/uids-\(side)" }

    /// Where octets wait that do not fit into memory.
    static var temporaryFolder: String {
        unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    }
}
