import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveCheck {
    // MARK: level 2

    /// Every key has a blob, every blob a key.
    mutating func checkKeys(_ archive: Archive) {
        let files = archive.vault.files
        do throws(ArchiveError) {
            for shard in try files.root().root.shards {
                let path =
                    shard.isSealed
                    ? layout.shard(shard.number, generation: shard.generation)
                    : layout.openShard(shard.number, generation: shard.generation)
                do throws(ArchiveError) { try readShard(shard, path, files) } catch { find(error, path) }
            }
        } catch { find(error, layout.current) }
        var unused = Set(keys.filter { !$0.value.isErased }.keys)
        for (_, path, entries) in packs {
            for entry in entries {
                if keys[entry.keyID] == nil {
                    find(.missing, path, "the vault has no key for blob \(entry.keyID)", at: entry.offset)
                }
                unused.remove(entry.keyID)
            }
        }
        for (keyID, slot) in slots {
            guard let key = keys[keyID], (key.shard, key.slot) != slot else { continue }
            find(.damaged, key.path, "the journal has the key \(keyID) in shard \(slot.shard), slot \(slot.slot)")
        }
        unusedKeys = unused
    }

    /// Keys without a blob: a loss that a leaf tells, or one that nothing does.
    private mutating func checkUnusedKeys() {
        for keyID in unusedKeys {
            guard let key = keys[keyID] else { continue }
            if lost.contains(keyID) { continue }
            find(.unexpected, key.path, "no pack has the blob of key \(keyID)")
        }
    }

    private mutating func readShard(
        _ shard: VaultRoot.Shard, _ path: String, _ files: VaultFiles
    ) throws(ArchiveError) {
        let octets: [UInt8]
        if shard.isSealed {
            octets = try files.records(of: shard)
        } else {
            let open = try files.openShard(shard)
            if open.tail > 0 { find(.damaged, path, "\(open.tail) octets behind the last whole frame") }
            octets = open.records
        }
        guard let records = VaultRecord.parse(octets) else {
            throw ArchiveError(.damaged, "a vault record has unknown flags, or octets that must be zero", path: path)
        }
        report.keyCount += records.count
        for (slot, record) in records.enumerated() {
            let key = CheckedKey(
                shard: shard.number, slot: UInt32(slot), path: path, isErased: record.isErased)
            if keys.updateValue(key, forKey: record.keyID) != nil {
                find(.damaged, path, "key id \(record.keyID) is there twice")
            }
        }
    }

    // MARK: leaves

    /// Every leaf that names a blob has exactly one, and every record one leaf.
    mutating func checkLeaves(_ archive: Archive) {
        var records: [RandomID: (path: String, entry: FooterEntry)] = [:]
        for (_, path, entries) in packs {
            for entry in entries where entry.kind != .part {
                if records.updateValue((path, entry), forKey: entry.keyID) != nil {
                    find(.unexpected, path, "blob \(entry.keyID) is there twice", at: entry.offset)
                }
            }
        }
        do {
            let ledger = try archive.ledger()
            var reader = ledger.leaves()
            var told = ReplacementLeaves()
            var absent: [(keyID: RandomID, leaf: UInt64)] = []
            var keyLeaves = KeyLeaves()
            var sealed = Set(packs.compactMap { if case .sealed(let id, _) = $0.place { id } else { nil } })
            while let read = try reader.next() {
                guard let leaf = Leaf(parsing: read.text) else {
                    find(.ledger, layout.log, "leaf \(read.index) is none this program knows")
                    continue
                }
                told.add(leaf)
                keyLeaves.see(leaf)
                switch leaf.body {
                case .ingest(let commitment), .events(let commitment, _, _):
                    let record = records.removeValue(forKey: commitment.keyID)
                    if let record, record.entry.ledgerIndex != leaf.sequence {
                        find(
                            .damaged, record.path, "it names another leaf than \(leaf.sequence)",
                            at: record.entry.offset)
                    } else if record == nil {
                        absent.append((commitment.keyID, leaf.sequence))
                    }
                    if options.level >= .content { commitments[commitment.keyID] = commitment }
                case .pack(let object, let pack, _):
                    if sealed.remove(pack) == nil, gone[object.octets] == nil {
                        find(.missing, layout.pack(object.octets.hex), "leaf \(leaf.sequence) names this pack")
                    }
                case .erased(let record): erasures.add(record, leaf.sequence)
                default: continue
                }
            }
            for (keyID, leaf) in absent where !told.erased.contains(keyID) {
                find(.missing, layout.log, "no pack has blob \(keyID) of leaf \(leaf)")
            }
            checkReplacements(told)
            checkErasures(archive)
            checkKeyLeaves(keyLeaves)
            lost = told.lost
            report.lostBlobCount = lost.count
            for id in sealed { find(.unexpected, layout.packs, "no leaf names the pack \(id)") }
            for (path, entry) in records.values {
                find(.unexpected, path, "no leaf names blob \(entry.keyID)", at: entry.offset)
            }
        } catch let error as ArchiveError { find(error, layout.log) } catch {
            find(.ledger, layout.log, "\(error)")
        }
        checkUnusedKeys()
    }

    // MARK: level 3

    /// Whether the sample takes this blob; the same for the same seed.
    private func isSampled(_ keyID: RandomID) -> Bool {
        if options.sampleRate >= 1 { return true }
        var state = options.sampleSeed
        for octet in keyID.octets { state = (state ^ UInt64(octet)) &* 0x0000_0100_0000_01B3 }
        state = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
        return Double(state >> 11) / Double(UInt64(1) << 53) < options.sampleRate
    }

    /// Opens every record and part of the sample.
    mutating func checkContent(_ archive: Archive) {
        let directory = CheckDirectory(packs: packs.map { ($0.place, $0.entries) }, keys: keys)
        let reader = ArchiveReader(archive, directory: directory)
        for (index, (place, path, entries)) in packs.enumerated() {
            options.progress?(index, packs.count, layout.relative(path))
            for entry in entries where isSampled(entry.keyID) {
                guard let location = directory.location(keyID: entry.keyID), location.pack == place else { continue }
                do throws(ArchiveError) {
                    switch entry.kind {
                    case .recipe: try checkMessage(entry, path, reader)
                    case .part: try checkBlob(entry, path, reader.open(location))
                    case .events: try checkEvents(entry, path, reader.open(location))
                    }
                } catch {
                    var error = error
                    error.offset = error.offset ?? entry.offset
                    find(error, path)
                }
            }
        }
    }

    private mutating func checkMessage(
        _ entry: FooterEntry, _ path: String, _ reader: ArchiveReader
    ) throws(ArchiveError) {
        let message = try reader.message(entry.keyID)
        guard !message.parts.contains(where: lost.contains) else {
            report.lostMessageCount += 1
            return
        }
        while let octets = try message.next() { report.octetCount += UInt64(octets.count) }
        report.messageCount += 1
        let blob = try reader.blob(entry.keyID)
        checkDigest(message.recipe.digest, size: message.octetCount, entry, path, blob)
    }

    private mutating func checkEvents(
        _ entry: FooterEntry, _ path: String, _ blob: BlobReader
    ) throws(ArchiveError) {
        let octets = try blob.all(limit: EventRecord.maximumLength)
        _ = try EventRecord(decoding: octets)
        checkDigest(SHA256.hash(octets), size: UInt64(octets.count), entry, path, blob)
    }

    private mutating func checkBlob(_ entry: FooterEntry, _ path: String, _ blob: BlobReader) throws(ArchiveError) {
        var hash = SHA256()
        for index in 0..<blob.chunkCount {
            let octets = try blob.chunk(index)
            hash.update(octets)
        }
        checkDigest(hash.digest(), size: nil, entry, path, blob)
    }

    /// Compares a digest with the footer's content id and, of a record, with the commitment of its leaf.
    private mutating func checkDigest(
        _ digest: [UInt8], size: UInt64?, _ entry: FooterEntry, _ path: String, _ blob: BlobReader
    ) {
        guard let keyHierarchy else { return }
        let contentID = keyHierarchy.contentID(kind: entry.kind.rawValue, digest: digest)
        if blob.masked(contentID) != entry.sealedContentID {
            find(.contentDiffers, path, "the content id of blob \(entry.keyID) does not agree", at: entry.offset)
        }
        guard let size else { return }
        guard let commitment = commitments[entry.keyID] else { return }
        if commitment.commit != LeafCommitment.digest(salt: blob.salt, sha256: digest) || commitment.size != size {
            find(
                .contentDiffers, path, "blob \(entry.keyID) is not what leaf \(entry.ledgerIndex) commits to",
                at: entry.offset)
        }
    }
}

/// Where blobs are, by what a check has read itself.
private struct CheckDirectory: BlobDirectory {
    private let packs: [(place: PackPlace, entries: [FooterEntry])]
    private let keys: [RandomID: ArchiveCheck.CheckedKey]
    /// Pack and entry, 32 bits each: a location is made when it is asked for, as a million of them would take 300 MB.
    private var places: [RandomID: UInt64] = [:]

    init(packs: [(place: PackPlace, entries: [FooterEntry])], keys: [RandomID: ArchiveCheck.CheckedKey]) {
        (self.packs, self.keys) = (packs, keys)
        for (pack, (_, entries)) in packs.enumerated() {
            for (index, entry) in entries.enumerated() {
                guard let key = keys[entry.keyID], !key.isErased else { continue }
                places[entry.keyID] = UInt64(pack) << 32 | UInt64(index)
            }
        }
    }

    func blob(contentID: [UInt8]) -> KnownContent? { nil }

    func location(keyID: RandomID) -> BlobLocation? {
        guard let place = places[keyID], let key = keys[keyID] else { return nil }
        let pack = packs[Int(place >> 32)]
        let entry = pack.entries[Int(place & 0xFFFF_FFFF)]
        return BlobLocation(
            keyID: entry.keyID, kind: entry.kind, pack: pack.place, offset: entry.offset,
            storedLength: entry.storedLength, rawLength: entry.rawLength, dictionary: entry.dictionary,
            checksum: entry.checksum, contentID: [], ledgerIndex: entry.ledgerIndex, vaultShard: key.shard,
            vaultSlot: key.slot)
    }
}
