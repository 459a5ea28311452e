import ArchiveLedger
import Glibc
import MailCore
import Synchronization

/// How a copy is made and looked at.
package struct ReplicaOptions: Sendable {
    package enum Verification: String, Sendable {
        /// Nothing is read back.
        case none
        /// What was copied is read back from the destination.
        case new
        /// Everything at the destination is read; what is damaged is copied again.
        case full
    }
    package var verification: Verification = .new
    package var isDryRun = false
    package var owner: WriterLock.Owner
    package var progress: (@Sendable (_ subject: String, _ done: Int, _ total: Int, _ octets: Int) -> Void)?
    package var fault: (@Sendable (FaultStep) -> Void)?

    package init(owner: WriterLock.Owner) { self.owner = owner }
}

/// What became of a copy.
package struct ReplicaReport: Sendable {
    package var isFirst = false
    package var copiedFiles = 0
    package var copiedOctets: UInt64 = 0
    package var verifiedFiles = 0
    package var verifiedOctets: UInt64 = 0
    package var removedFiles = 0
    /// Files that were damaged at the destination, and are whole now.
    package var mended: [String] = []
    /// Erasures recorded here and not yet at the destination before.
    package var erasures = 0
    /// Sentences.
    package var problems: [String] = []
    /// The copy opens only with an anchor outside of it.
    package var needsAnchor = false
    package var ledgerSize: UInt64 = 0
}

/// An incremental copy of an archive into another folder, which is an archive at every instant.
///
/// New files are staged below `incoming/`, read back, made durable; then ``ReplicaSwitch`` puts all of them in place.
package struct Replica {
    private let archive: Archive
    private let options: ReplicaOptions
    private let destination: ReplicaDestination
    private let copy: ReplicaCopy
    private var report = ReplicaReport()

    /// Opens the destination and takes its lock.
    ///
    /// - Throws: `.alreadyExists` with the reason a destination is refused; `.damaged`, `.locked`, `.ioFailed`.
    package init(_ archive: Archive, to path: String, _ options: ReplicaOptions) throws(ArchiveError) {
        (self.archive, self.options) = (archive, options)
        destination = try ReplicaDestination(path, of: archive, options)
        copy = ReplicaCopy(source: archive.layout, destination: destination.layout)
        report.isFirst = destination.ledgerSize == nil
        guard !options.isDryRun else { return }
        if FileTree.exists(destination.layout.incoming), !ReplicaDestination.isBegun(destination.layout, archive.id) {
            try copy.removeIncoming()
        }
        try FileTree.makeDirectory(destination.layout.incoming)
        try FileTree.replace(ReplicaDestination.marker(destination.layout), with: Array("\(archive.id)\n".utf8))
    }

    /// Stages what can be copied while a writer works: sealed packs.
    package mutating func stagePacks() async throws(ArchiveError) {
        let plan = try Plan(archive.layout, destination.layout, isQuiet: false)
        let packs = plan.copies.filter { $0.path.hasPrefix("packs/") && $0.nature != .changing }
        try await stage(packs, mayVanish: true)
    }

    /// Stages the rest and puts everything in place. The caller holds the archive's lock and emptied the databases' logs.
    package mutating func complete() async throws(ArchiveError) -> ReplicaReport {
        var plan = try Plan(archive.layout, destination.layout, isQuiet: !options.isDryRun)
        if options.verification == .full { try await verify(&plan) }
        try await describe(plan)
        guard !options.isDryRun else {
            report.copiedFiles = plan.copies.count
            report.copiedOctets = plan.copies.reduce(0) { $0 + $1.size }
            return report
        }
        try await stage(plan.copies, mayVanish: false)
        if !plan.copies.isEmpty || !plan.drops.isEmpty {
            try copy.syncFolders(of: plan.copies)
            let list = ReplicaSwitch(archive: archive.id, moves: plan.copies.map(\.path).sorted(), drops: plan.drops)
            // ORDER: every octet and name the list speaks of is durable.
            try list.begin(destination.layout)
            options.fault?(.backupList)
            try ReplicaSwitch.finish(destination.layout, fault: options.fault)
        }
        try copy.removeIncoming()
        try FileTree.syncDirectory(destination.layout.root)
        return report
    }

    /// What the report says before anything is done.
    private mutating func describe(_ plan: Plan) async throws(ArchiveError) {
        report.removedFiles = plan.drops.count
        report.needsAnchor = !FileTree.exists(archive.layout.erasure)
        let ledger = try archive.openLedger()
        report.ledgerSize = ledger.size
        if plan.isWithoutCatalog {
            report.problems.append("the catalog is in use; the copy makes its own when it is opened")
        }
        guard let size = destination.ledgerSize else { return }
        do throws(LedgerError) {
            var leaves = ledger.leaves(from: size)
            while let leaf = try leaves.next() {
                if case .erased = Leaf(parsing: leaf.text)?.body { report.erasures += 1 }
            }
        } catch { throw ArchiveError(error, archive.layout) }
    }

    // MARK: work

    /// Copies `files` to `incoming/`, except what an interrupted run left there.
    private mutating func stage(_ files: [ReplicaFile], mayVanish: Bool) async throws(ArchiveError) {
        do throws(ArchiveError) { try await stageMissing(files, mayVanish: mayVanish) } catch {
            try? copy.removeUnfinished()
            throw error
        }
    }

    private mutating func stageMissing(_ files: [ReplicaFile], mayVanish: Bool) async throws(ArchiveError) {
        try copy.makeFolders(for: files)
        let (copy, isVerified, fault) = (copy, options.verification != .none, options.fault)
        let missing = files.filter { file in
            file.nature == .changing || FileTree.size(copy.staged(file.path)) != file.size
        }
        let isLarge = { (file: ReplicaFile) in file.size >= ReplicaCopy.largeLength }
        let large = try await each(missing.filter(isLarge)) { file throws(ArchiveError) -> [UInt8]? in
            guard let digest = try Self.unlessVanished(mayVanish, { () throws(ArchiveError) in try copy.copy(file) })
            else { return nil }
            try copy.accept(file, digest, isVerified: isVerified)
            fault?(.backupStage)
            return digest
        }
        let small = missing.filter { !isLarge($0) }
        let digests = try await each(small) { file throws(ArchiveError) -> [UInt8]? in
            try Self.unlessVanished(mayVanish) { () throws(ArchiveError) in try copy.copy(file) }
        }
        // Small files by the thousand: one sync writes them all, the one of each then finds nothing to do.
        if !small.isEmpty { sync() }
        let kept = Dictionary(digests.map { ($0.file.path, $0.result) }) { first, _ in first }
        _ = try await each(digests.map(\.file)) { file throws(ArchiveError) -> Bool? in
            try copy.accept(file, kept[file.path] ?? [], isVerified: isVerified)
            fault?(.backupStage)
            return true
        }
        for (file, digest) in large + digests {
            report.copiedFiles += 1
            report.copiedOctets += file.size
            if isVerified {
                report.verifiedFiles += 1
                report.verifiedOctets += file.size
            }
            if case .named(let name) = file.nature, digest.hex != name {
                report.problems.append("\(file.path) is damaged here, and was copied as it is")
            }
        }
    }

    /// Reads what the destination has already; what is not as it must be is copied again.
    private mutating func verify(_ plan: inout Plan) async throws(ArchiveError) {
        let copy = copy
        let results = try await each(plan.same) { file throws(ArchiveError) -> Bool? in try copy.isWhole(file) }
        for (file, isWhole) in results {
            report.verifiedFiles += 1
            report.verifiedOctets += file.size
            if !isWhole {
                report.mended.append(file.path)
                plan.copies.append(file)
            }
        }
    }

    private static func unlessVanished<Value>(
        _ mayVanish: Bool, _ body: () throws(ArchiveError) -> Value
    ) throws(ArchiveError) -> Value? {
        do throws(ArchiveError) { return try body() } catch {
            if mayVanish, error.kind == .missing { return nil }
            throw error
        }
    }

    /// Does `body` for every file, two at a time: one hashes while the other waits for the disk. In the files' order.
    private func each<Value: Sendable>(
        _ files: [ReplicaFile], _ body: @Sendable @escaping (ReplicaFile) throws(ArchiveError) -> Value?
    ) async throws(ArchiveError) -> [(file: ReplicaFile, result: Value)] {
        let work = ReplicaWork(files: files, progress: options.progress)
        async let first = work.run(body)
        async let second = work.run(body)
        let results = await [first, second]
        var all: [(index: Int, value: Value)] = []
        for result in results { all += try result.get() }
        return all.sorted { $0.index < $1.index }.map { (files[$0.index], $0.value) }
    }
}

/// Files that workers take one after the other.
private final class ReplicaWork: Sendable {
    private let files: [ReplicaFile]
    private let progress: (@Sendable (_ subject: String, _ done: Int, _ total: Int, _ octets: Int) -> Void)?
    private let next = Mutex((index: 0, octets: UInt64(0)))

    init(
        files: [ReplicaFile],
        progress: (@Sendable (_ subject: String, _ done: Int, _ total: Int, _ octets: Int) -> Void)?
    ) { (self.files, self.progress) = (files, progress) }

    /// Takes files until there are none, or one fails, which ends the other workers too.
    @concurrent
    func run<Value: Sendable>(
        _ body: @Sendable (ReplicaFile) throws(ArchiveError) -> Value?
    ) async -> Result<[(index: Int, value: Value)], ArchiveError> {
        var done: [(index: Int, value: Value)] = []
        while true {
            let index = next.withLock { next in
                defer { next.index += 1 }
                return next.index
            }
            guard index < files.count else { return .success(done) }
            do throws(ArchiveError) {
                if let value = try body(files[index]) { done.append((index, value)) }
            } catch {
                next.withLock { $0.index = files.count }
                return .failure(error)
            }
            let octets = next.withLock { next in
                next.octets += files[index].size
                return next.octets
            }
            progress?(files[index].path, index + 1, files.count, Int(octets))
        }
    }
}

extension Replica {
    /// What differs between two folders.
    private struct Plan {
        var copies: [ReplicaFile] = []
        var same: [ReplicaFile] = []
        /// Paths the destination has and the source has not, ascending.
        var drops: [String] = []
        var isWithoutCatalog = false

        init(_ source: ArchiveLayout, _ destination: ArchiveLayout, isQuiet: Bool) throws(ArchiveError) {
            let all = try ReplicaFile.all(in: source.root)
            let (wanted, present) = (
                ReplicaFile.copied(of: all, isQuiet: isQuiet), try ReplicaFile.all(in: destination.root)
            )
            isWithoutCatalog =
                all.keys.contains { $0.hasPrefix("catalog/") && $0.hasSuffix(".db") && wanted[$0] == nil }
            for file in wanted.values.sorted(by: { $0.path < $1.path }) {
                let isSame = try present[file.path].map { other throws(ArchiveError) in
                    try Self.isSame(file, other, source, destination)
                }
                if isSame == true { same.append(file) } else { copies.append(file) }
            }
            drops = present.keys.filter { wanted[$0] == nil }.sorted()
        }

        private static func isSame(
            _ file: ReplicaFile, _ other: ReplicaFile, _ source: ArchiveLayout, _ destination: ArchiveLayout
        ) throws(ArchiveError) -> Bool {
            guard file.size == other.size else { return false }
            guard file.nature == .changing else { return true }
            guard file.size <= ReplicaFile.comparedOctetCount else { return file.modified == other.modified }
            let limit = Int(ReplicaFile.comparedOctetCount)
            return try FileTree.read("\(source.root)/\(file.path)", limit: limit)
                == FileTree.read("\(destination.root)/\(file.path)", limit: limit)
        }
    }
}
