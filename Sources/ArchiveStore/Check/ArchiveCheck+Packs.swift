import ArchiveCompression
import ArchiveCrypto
import MailCore

extension ArchiveCheck {
    /// Names, headers, trailers, signatures, sequence of every sealed pack; footers from level 1 on.
    mutating func checkSealedPacks(_ archive: Archive?) {
        var found: [ChainLink] = []
        var names: [String] = []
        do throws(ArchiveError) {
            for directory in try FileTree.names(in: layout.packs) {
                names += try FileTree.names(in: "\(layout.packs)/\(directory)").map { "\(directory)/\($0)" }
            }
        } catch { find(error, layout.packs) }
        // What is only half written has not its name yet.
        names.removeAll { $0.hasSuffix(".tmp") }
        for name in names where name.hasSuffix(ArchiveLayout.goneSuffix) { checkGone("\(layout.packs)/\(name)") }
        names.removeAll { $0.hasSuffix(ArchiveLayout.goneSuffix) }
        for (index, name) in names.enumerated() {
            options.progress?(index, names.count, name)
            let path = "\(layout.packs)/\(name)"
            do throws(ArchiveError) {
                found.append(try checkSealedPack(path, archive))
            } catch { find(error, path) }
        }
        let links = checkReplaced(found) + found.filter { gone[$0.digest] == nil }
        for chain in Dictionary(grouping: links, by: \.writer).values { checkChain(chain) }
    }

    /// The packs of one writer count 1, 2, 3 …, and each names the one before, or what is left of it.
    private mutating func checkChain(_ packs: [ChainLink]) {
        var previous = [UInt8](repeating: 0, count: 32)
        var expected: UInt64 = 1
        for pack in packs.sorted(by: { $0.sequence < $1.sequence }) {
            defer { expected = pack.sequence + 1 }
            if pack.sequence != expected {
                find(.broken, pack.path, "its sequence is \(pack.sequence), expected \(expected)")
            } else if pack.previous != previous {
                find(.broken, pack.path, "it does not follow the pack before it")
            }
            previous = pack.digest
        }
    }

    private mutating func checkSealedPack(_ path: String, _ archive: Archive?) throws(ArchiveError) -> ChainLink {
        let file = try SystemFile(path, .read)
        let size = try file.size()
        report.packCount += 1
        guard options.readsPacks else { return try structure(of: file, path, archive) }
        let (signed, digest) = try hashes(file, size)
        report.octetCount += size
        if path != layout.pack(digest.hex) { find(.wrongName, path, "its octets are not those of its name") }
        let header = try PackEntries.header(file, identity.archive)
        let (trailer, _) = try PackEntries.trailer(file)
        let isSigned = Ed25519.verify(
            trailer.signature, of: PackTrailer.signedMessage(signed), publicKey: try writerKey(header.writer).key)
        if !isSigned {
            find(
                .damaged, path, "the writer's signature does not agree",
                at: size - UInt64(PackTrailer.length - PackTrailer.signatureOffset))
        }
        // A replaced pack that is there all the same counts for nothing.
        if let archive, gone[digest] == nil {
            let footer = try PackEntries.footer(file, archive)
            packs.append((.sealed(header.pack, digest: digest), path, footer.entries))
        }
        return ChainLink(
            path: path, writer: header.writer, sequence: trailer.sequence, previous: trailer.previous, digest: digest)
    }

    /// The link and the entries of a pack that is taken for what its name says.
    private mutating func structure(
        of file: SystemFile, _ path: String, _ archive: Archive?
    ) throws(ArchiveError) -> ChainLink {
        let header = try PackEntries.header(file, identity.archive)
        let (trailer, _) = try PackEntries.trailer(file)
        _ = try writerKey(header.writer)
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard let digest = [UInt8](hex: name) else {
            throw ArchiveError(.damaged, "no pack has such a name", path: path)
        }
        if let archive, gone[digest] == nil {
            packs.append(
                (.sealed(header.pack, digest: digest), path, try PackEntries.footer(file, archive).entries))
        }
        return ChainLink(
            path: path, writer: header.writer, sequence: trailer.sequence, previous: trailer.previous, digest: digest)
    }

    /// SHA-256 of everything before the signature, and of the whole file.
    private func hashes(_ file: SystemFile, _ size: UInt64) throws(ArchiveError) -> ([UInt8], [UInt8]) {
        let tail = UInt64(PackTrailer.length - PackTrailer.signatureOffset)
        let signedEnd = size > tail ? size - tail : 0
        var hash = SHA256()
        var at: UInt64 = 0
        while at < signedEnd {
            let octets = try file.read(Int(min(1 << 20, signedEnd - at)), at: at)
            hash.update(octets.span)
            at += UInt64(octets.count)
        }
        let signed = hash.digest()
        let rest = try file.read(Int(size - signedEnd), at: signedEnd)
        hash.update(rest)
        return (signed, hash.digest())
    }

    // MARK: level 1

    /// Open packs as the journal has them.
    mutating func readJournal(_ archive: Archive) {
        do throws(ArchiveError) {
            let contents = try JournalFile.read(layout, keys: archive.keys)
            if contents.tail > 0 {
                find(.damaged, layout.journal, "\(contents.tail) octets behind the last whole frame", at: contents.end)
            }
            let state = JournalState(contents.records)
            if report.leafCount > state.counters.ledgerSize {
                find(
                    .damaged, layout.journal,
                    "an old one: it knows of \(state.counters.ledgerSize) leaves, the ledger has \(report.leafCount)")
            }
            for (id, blobs) in state.blobs {
                for blob in blobs where state.packs[id] != nil || state.sealed[id] != nil {
                    slots[blob.entry.keyID] = (blob.shard, blob.slot)
                }
            }
            for (id, sealed) in state.sealed
            where gone[sealed.digest] == nil && !FileTree.exists(layout.pack(sealed.digest.hex)) {
                find(.missing, layout.pack(sealed.digest.hex), "the journal calls the pack \(id) sealed")
            }
            for (id, length) in state.packs {
                let path = layout.openPack(id)
                let size = FileTree.size(path)
                guard let size else {
                    find(.missing, path, "the journal names this pack")
                    continue
                }
                if size < length { find(.damaged, path, "the journal names \(length) octets", at: size) }
                do throws(ArchiveError) { _ = try PackEntries.header(SystemFile(path, .read), archive.id) } catch {
                    find(error, path)
                }
                report.packCount += 1
                packs.append((.open(id), path, (state.blobs[id] ?? []).map(\.entry)))
            }
        } catch { find(error, layout.journal) }
    }

    /// Checksums of the stored octets, order and overlap of blobs.
    mutating func checkEntries() {
        var done = 0
        let total = packs.count
        checkDictionaryNumbers()
        for (place, path, entries) in packs {
            options.progress?(done, total, layout.relative(path))
            done += 1
            if !options.readsPacks, case .sealed = place { continue }
            report.blobCount += entries.count
            guard let file = try? SystemFile(path, .read) else { continue }
            var end = UInt64(PackHeader.length)
            for entry in entries.sorted(by: { $0.offset < $1.offset }) {
                if entry.offset < end { find(.damaged, path, "blobs overlap", at: entry.offset) }
                end = entry.offset + entry.storedLength
                do throws(ArchiveError) {
                    if try checksum(file, entry) != entry.checksum {
                        find(.damaged, path, "the checksum of blob \(entry.keyID) does not agree", at: entry.offset)
                    }
                } catch { find(error, path) }
            }
        }
    }

    /// Every dictionary that a blob was compressed with is there.
    private mutating func checkDictionaryNumbers() {
        let known = Set(archive?.dictionaries.all.map(\.id) ?? [])
        var missing: [UInt16: Int] = [:]
        for (_, _, entries) in packs {
            for entry in entries where entry.dictionary != 0 && !known.contains(entry.dictionary) {
                missing[entry.dictionary, default: 0] += 1
            }
        }
        for (number, count) in missing.sorted(by: { $0.key < $1.key }) {
            find(.missing, layout.dictionaries, "dictionary \(number) is not there; \(count) blobs need it")
        }
    }

    private func checksum(_ file: SystemFile, _ entry: FooterEntry) throws(ArchiveError) -> UInt32 {
        var checksum = CRC32C()
        var at = entry.offset
        let end = entry.offset + entry.storedLength
        while at < end {
            let octets = try file.read(Int(min(1 << 20, end - at)), at: at)
            checksum.update(octets.span)
            at += UInt64(octets.count)
        }
        return checksum.value
    }
}
