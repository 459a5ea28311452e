internal import Foundation
internal import GRDB
internal import MailCore

// GRDB's type for octets is Foundation's; it stays in this file.
extension Row {
    static func octets(_ octets: [UInt8]) -> DatabaseValue { Data(octets).databaseValue }

    func octets(_ column: String) -> [UInt8]? {
        let data: Data? = self[column]
        return data.map { [UInt8]($0) }
    }

    func randomID(_ column: String) -> RandomID? { octets(column).flatMap { RandomID(octets: $0) } }
}

enum Meta {
    static func set(_ key: String, _ value: some DatabaseValueConvertible, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT INTO meta(k, v) VALUES (?,?) ON CONFLICT(k) DO UPDATE SET v = excluded.v"
        ).execute(arguments: [key, value])
    }

    static func octets(_ key: String, _ db: Database) throws -> [UInt8]? {
        try Row.fetchOne(db, sql: "SELECT v FROM meta WHERE k = ?", arguments: [key])?.octets("v")
    }

    static func number(_ key: String, _ db: Database) throws -> UInt64? {
        try Int64.fetchOne(db, sql: "SELECT v FROM meta WHERE k = ?", arguments: [key]).map { UInt64(bitPattern: $0) }
    }

    /// Under which the last event record that speaks of `account` is kept.
    static func eventSequenceKey(_ account: String) -> String { "event_sequence." + account }

    static func eventSequence(_ db: Database) throws -> UInt64 { try number("event_sequence", db) ?? 0 }
}
