import MailCore

/// How a repair goes about.
package struct RepairOptions: Sendable {
    /// Folders with copies of the archive, asked in this order.
    package var replicas: [String] = []
    /// Tries what would fit; changes nothing.
    package var isDryRun = false
    package var owner: WriterLock.Owner
    /// What is being done, and to which file.
    package var progress: (@Sendable (_ phase: String, _ subject: String) -> Void)?
    package var fault: (@Sendable (FaultStep) -> Void)?

    package init(owner: WriterLock.Owner) { self.owner = owner }
}

/// What a repair mended, and what it could not.
package struct RepairReport: Sendable {
    /// One file that is whole again.
    package struct Mended: Sendable, Hashable {
        /// Relative to the archive.
        package var path: String
        /// Where the octets came from: the path of a replica, or how they were made.
        package var source: String
        /// SHA-256 of the file as it is now, 32 octets; empty if it was removed.
        package var digest: [UInt8]
    }

    /// What a check found before.
    package internal(set) var foundCount = 0
    package internal(set) var mended: [Mended] = []
    /// What is still wrong.
    package internal(set) var left: [CheckFinding] = []

    package var isSound: Bool { left.isEmpty }

    /// Sealed packs that are missing, or are not what their names say: SHA-256 of each.
    package var lostPacks: Set<[UInt8]> {
        Set(
            left.compactMap { finding in
                let parts = finding.path.split(separator: "/")
                guard parts.count == 3, parts[0] == "packs" else { return nil }
                return [UInt8](hex: String(parts[2])).flatMap { $0.count == 32 ? $0 : nil }
            })
    }
}
