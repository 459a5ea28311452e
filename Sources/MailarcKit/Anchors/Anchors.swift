import ArchiveCrypto
import ArchiveStore
import MailCore

extension Workspace {
    /// Where the erasure secret is kept, and whether each place can be reached.
    public func anchors() throws(KitError) -> AnchorReport {
        do {
            let list = try archive.anchors()
            let epoch = try archive.erasureSecret().epoch
            let rows = list.anchors.map { row($0, epoch: epoch) }
            return AnchorReport(
                epoch: Int(epoch), anchors: rows,
                outstanding: list.outstanding.map { "\($0.entry.name): a secret of epoch \($0.epoch)" },
                warnings: warnings(list))
        } catch { throw KitError(error, at: path) }
    }

    private func row(_ entry: AnchorEntry, epoch: UInt32) -> AnchorRow {
        var row = AnchorRow(name: entry.name, kind: entry.kind.rawValue, place: entry.place, state: "")
        do throws(ArchiveError) {
            let anchor = try archive.anchor(entry)
            row.state = try anchor.read(epoch: epoch) == nil ? "has no secret of epoch \(epoch)" : "ready"
        } catch { row.state = error.message }
        return row
    }

    /// What an owner should know at every command that looks at the whole archive.
    public func anchorWarnings() throws(KitError) -> [String] {
        do { return warnings(try archive.anchors()) } catch { throw KitError(error, at: path) }
    }

    private func warnings(_ list: AnchorList) -> [String] {
        var warnings: [String] = []
        if list.outsideCount == 1 {
            warnings.append(
                "there is one outside anchor only: if it is lost, nothing but a recovery kit opens the archive")
        }
        if !list.outstanding.isEmpty {
            let names = Set(list.outstanding.map(\.entry.name)).sorted().joined(separator: ", ")
            warnings.append("an old secret is still to be destroyed at \(names): mailarc anchor test")
        }
        if list.outsideCount > 0, list.anchors.contains(.inside) {
            warnings.append(
                "the anchor inside makes the outside ones useless against old copies: mailarc anchor remove inside")
        }
        return warnings
    }

    /// Adds a place for the erasure secret: the vault goes to its next epoch, so that what others hold is worthless.
    ///
    /// The first outside anchor takes the place of the one inside.
    public func addAnchor(
        kind: String, place: String, name: String?, dryRun: Bool
    ) async throws(KitError) -> AnchorReport {
        guard let kind = AnchorEntry.Kind(rawValue: kind) else {
            throw KitError(.usage, "no kind of anchor is called \(kind)", hint: "inside, directory, ssh or exec")
        }
        var list = try anchorList()
        guard let entry = Self.entry(kind, place, name: name, taken: Set(list.anchors.map(\.name))) else {
            throw KitError(
                .usage, "this is no anchor: \(place)",
                hint: "names are words of a-z, 0-9, '.', '_' and '-'; inside has no place, the others need one")
        }
        guard !list.anchors.contains(where: { $0 == entry || $0.name == entry.name }) else {
            throw KitError(.usage, "there is an anchor \(entry.name) already", hint: "mailarc anchor list")
        }
        if kind == .directory, place.hasPrefix(path.hasSuffix("/") ? path : path + "/") {
            throw KitError(
                .usage, "\(place) is in the archive's folder", hint: "copies of the folder would hold it, too")
        }
        if list == .inside { list.anchors = [] }
        return try await change(to: list.anchors + [entry], dryRun: dryRun)
    }

    /// Gives an anchor up; without any outside one the secret goes back inside.
    public func removeAnchor(_ name: String, dryRun: Bool) async throws(KitError) -> AnchorReport {
        let list = try anchorList()
        guard list.anchors.contains(where: { $0.name == name }) else {
            throw KitError(.notFound, "no anchor is called \(name)", hint: "mailarc anchor list")
        }
        let rest = list.anchors.filter { $0.name != name }
        guard !rest.isEmpty || name != "inside" else {
            throw KitError(.usage, "the last anchor stays", hint: "add another first: mailarc anchor add")
        }
        return try await change(to: rest.isEmpty ? [.inside] : rest, dryRun: dryRun)
    }

    /// Puts the secret back into every anchor of the list that lost it, with the kit that opened the archive.
    public func recoverAnchors() async throws(KitError) -> AnchorReport {
        let secret = try erasureSecret()
        for entry in try anchorList().anchors {
            do throws(ArchiveError) {
                let anchor = try archive.anchor(entry)
                try anchor.prepare()
                try anchor.store(secret.octets, epoch: secret.epoch)
                try anchor.destroyAll(but: secret.epoch)
            } catch { throw KitError(error, at: path) }
        }
        return try anchors()
    }

    /// Has each anchor keep, give back and destroy a secret of no epoch, and destroys what is outstanding.
    public func testAnchors() async throws(KitError) -> AnchorReport {
        let list = try anchorList()
        let epoch = try erasureSecret().epoch
        var report = try anchors()
        for (index, entry) in list.anchors.enumerated() where entry.kind != .inside {
            do throws(ArchiveError) {
                let anchor = try archive.anchor(entry)
                let probe = Array("mailarc anchor test\n".utf8)
                try anchor.store(probe, epoch: .max)
                let isSame = try anchor.read(epoch: .max) == probe
                try anchor.destroyAll(but: epoch)
                let isGone = try anchor.read(epoch: .max) == nil
                let hasSecret = try anchor.read(epoch: epoch) != nil
                report.anchors[index].state =
                    !isSame
                    ? "gives back something else"
                    : !isGone ? "does not destroy" : hasSecret ? "works" : "lost the secret"
            } catch { report.anchors[index].state = error.message }
        }
        if !list.outstanding.isEmpty {
            try await withWriter { writer throws(KitError) in
                do throws(ArchiveError) { try await writer.settleAnchors() } catch { throw KitError(error, at: path) }
            }
            report.outstanding = try anchors().outstanding
        }
        return report
    }

    /// The present epoch's secret on paper.
    public func recoveryKit() throws(KitError) -> (text: String, code: QRCode?) {
        let kit = RecoveryKit(try erasureSecret())
        return (kit.text(made: Clock.text(Clock.now())), QRCode(Array(kit.code.utf8)))
    }

    private func change(to anchors: [AnchorEntry], dryRun: Bool) async throws(KitError) -> AnchorReport {
        guard !dryRun else {
            var report = try self.anchors()
            report.anchors = anchors.map {
                AnchorRow(name: $0.name, kind: $0.kind.rawValue, place: $0.place, state: "would be used")
            }
            return report
        }
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) { _ = try await writer.changeVault(VaultChange(anchors: anchors)) } catch {
                throw KitError(error, at: path)
            }
        }
        return try self.anchors()
    }

    private func anchorList() throws(KitError) -> AnchorList {
        do { return try archive.anchors() } catch { throw KitError(error, at: path) }
    }

    private func erasureSecret() throws(KitError) -> ErasureSecret {
        do { return try archive.erasureSecret() } catch { throw KitError(error, at: path) }
    }

    /// Without a name it is called after its place: the last part of a path, the host, the program.
    private static func entry(
        _ kind: AnchorEntry.Kind, _ place: String, name: String?, taken: Set<String>
    ) -> AnchorEntry? {
        if kind == .inside { return place.isEmpty ? .inside : nil }
        var stem = name ?? ""
        if name == nil {
            let part = kind == .ssh ? place.prefix { $0 != ":" } : place.split(separator: "/").last ?? ""
            stem = String(part.lowercased().map { "abcdefghijklmnopqrstuvwxyz0123456789._-".contains($0) ? $0 : "-" })
            var number = 2
            let first = stem
            while taken.contains(stem) {
                stem = "\(first)-\(number)"
                number += 1
            }
        }
        return AnchorEntry(name: stem, kind: kind, place: place)
    }
}
