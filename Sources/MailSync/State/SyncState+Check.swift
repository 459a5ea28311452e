import GRDB

extension SyncState {
    /// What is wrong with the file; empty where nothing is. Reads every page.
    public func integrityCheck() -> [String] {
        do {
            return try queue.read { db in
                try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            }
        } catch { return ["the file does not read: \(error)"] }
    }
}
