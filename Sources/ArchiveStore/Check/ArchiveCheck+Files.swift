import ArchiveCrypto
import MailCore

/// Level 0: the small files, and the headers of the sealed ones. MACs are judged where there are keys.
extension ArchiveCheck {
    mutating func checkTextFiles() {
        do throws(ArchiveError) {
            let (found, file) = try ArchiveIdentity.read(layout)
            if found != identity { find(.damaged, layout.identity, "it is not what it was when it was opened") }
            checkMAC(file, layout.identity)
        } catch { find(error, layout.identity) }
        checkNamed(layout.keys, suffix: ".slot") { octets throws(CryptoError) in _ = try KeySlot(parsing: octets) }
        checkAnchors()
        attempt(layout.writers) { check throws(ArchiveError) in
            for name in try FileTree.names(in: check.layout.writers) where !name.hasSuffix(".tmp") {
                let path = "\(check.layout.writers)/\(name)"
                check.attempt(path) { check throws(ArchiveError) in
                    guard !name.hasSuffix(CaptureHost.suffix) else { return try check.checkHost(path, name: name) }
                    _ = try check.writerKey(at: path, name: name)
                }
            }
        }
    }

    /// The list of anchors, and the secret where the list says that it is inside.
    private mutating func checkAnchors() {
        var list = AnchorList.inside
        do throws(ArchiveError) {
            list = try AnchorList.read(layout, archive: identity.archive, keys: keyHierarchy)
        } catch { return find(error, layout.anchors) }
        guard list.all.contains(.inside) else { return }
        attempt(layout.erasure) { check throws(ArchiveError) in
            let secret = try VaultFiles.parse(check.layout.erasure) { octets throws(CryptoError) in
                try ErasureSecret(parsing: octets)
            }
            if secret.archive != check.identity.archive.description {
                check.find(.damaged, check.layout.erasure, "the erasure secret is another archive's")
            }
            if let opened = try check.archive?.erasureSecret(), opened.epoch != secret.epoch,
                !FileTree.exists(check.layout.nextErasure)
            {
                check.find(
                    .returned, check.layout.erasure,
                    "it is the secret of epoch \(secret.epoch), and the vault is of epoch \(opened.epoch)")
            }
            // The archive is open, so the secret it was opened with is the right one.
            if let opened = try check.archive?.erasureSecret(), opened.epoch == secret.epoch,
                opened.secret != secret.secret
            {
                check.find(.damaged, check.layout.erasure, "it is not the secret that opens the vault")
            }
        }
    }

    /// Headers of the sealed files: of vault, dictionaries, journal and open packs.
    mutating func checkHeaders() {
        checkNamed(layout.dictionaries, suffix: "") { _ throws(CryptoError) in }
        attempt(layout.dictionaries) { check throws(ArchiveError) in
            for name in try FileTree.names(in: check.layout.dictionaries) where !name.hasSuffix(".tmp") {
                check.checkHeader("\(check.layout.dictionaries)/\(name)", .dictionary)
            }
        }
        checkNamed(layout.index, suffix: "") { _ throws(CryptoError) in }
        checkHeader(layout.journal, .journal)
        attempt(layout.open) { check throws(ArchiveError) in
            for name in try FileTree.names(in: check.layout.open) where name.hasSuffix(".pk") {
                let path = "\(check.layout.open)/\(name)"
                check.attempt(path) { check throws(ArchiveError) in
                    let header = try PackEntries.header(SystemFile(path, .read), check.identity.archive)
                    if "\(header.pack).pk" != name { check.find(.wrongName, path, "it is the pack \(header.pack)") }
                }
            }
        }
        checkVault()
    }

    private mutating func checkVault() {
        attempt(layout.current) { check throws(ArchiveError) in
            let pointer = try VaultFiles.parse(check.layout.current) { octets throws(CryptoError) in
                try VaultPointer(parsing: octets)
            }
            let path = check.layout.vaultRoot(epoch: pointer.epoch, revision: pointer.revision)
            if SHA256.hash(try FileTree.read(path, limit: 1 << 30)).hex != pointer.rootDigest {
                check.find(.damaged, path, "the vault root is not the one CURRENT names")
            }
        }
        attempt(layout.vault) { check throws(ArchiveError) in
            for name in try FileTree.names(in: check.layout.vault) where name != "CURRENT" && !name.hasSuffix(".tmp") {
                let path = "\(check.layout.vault)/\(name)"
                if name == "erasing" {
                    check.checkHeader(path, .erasing)
                    continue
                }
                let words = name.split(separator: ".", omittingEmptySubsequences: false)
                let kinds: [Substring: ObjectKind] = ["root": .vaultRoot, "shard": .shard, "open": .openShard]
                guard words.count == 3, let kind = kinds[words[0]], let first = UInt32(words[1]),
                    let second = UInt32(words[2])
                else {
                    check.find(.unexpected, path, "no file of a vault has such a name")
                    continue
                }
                check.checkHeader(path, kind, numbers: (first, second))
            }
        }
    }

    /// Checks the 64 octets in front; `numbers`: A and B, which the name tells, too.
    private mutating func checkHeader(_ path: String, _ kind: ObjectKind, numbers: (UInt32, UInt32)? = nil) {
        attempt(path) { check throws(ArchiveError) in
            let octets = try SystemFile(path, .read).read(ShortHeader.length, at: 0)
            try FileHeader.check(octets, kind, archive: check.identity.archive)
            guard let numbers else { return }
            if ByteReader.u32(octets, at: 32) != numbers.0 || ByteReader.u32(octets, at: 36) != numbers.1 {
                check.find(.wrongName, path, "its header has other numbers than its name")
            }
        }
    }

    /// Files named by the SHA-256 of their octets.
    private mutating func checkNamed(
        _ directory: String, suffix: String, _ parse: ([UInt8]) throws(CryptoError) -> Void
    ) {
        attempt(directory) { check throws(ArchiveError) in
            for name in try FileTree.names(in: directory) where name.hasSuffix(suffix) && !name.hasSuffix(".tmp") {
                let path = "\(directory)/\(name)"
                check.attempt(path) { check throws(ArchiveError) in
                    // LIMIT: a dictionary has at most 1 MiB, a slot 64 KiB, copies of footers 64 MiB and one footer.
                    let octets = try FileTree.read(path, limit: 128 << 20)
                    if SHA256.hash(octets).hex + suffix != name {
                        check.find(.wrongName, path, "its octets are not those of its name")
                    }
                    do throws(CryptoError) { try parse(octets) } catch { check.find(.damaged, path, error.message) }
                }
            }
        }
    }

    /// The public key of a writer.
    func writerKey(_ writer: [UInt8]) throws(ArchiveError) -> (key: [UInt8], file: TextFile) {
        let path = layout.writer(writer.hex)
        let file = try VaultFiles.parse(path) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: "mailarc-writer/1")
        }
        do {
            guard try file.hex("archive", count: 16) == identity.archive.octets,
                try file.hex("writer", count: 8) == writer
            else { throw CryptoError(.malformed, "it is another writer's, or another archive's") }
            return (try file.base64("key", count: 32), file)
        } catch { throw ArchiveError(.damaged, "it has no key", path: path, cause: error) }
    }

    private mutating func writerKey(at path: String, name: String) throws(ArchiveError) -> [UInt8] {
        guard name.hasSuffix(".pub"), let writer = [UInt8](hex: String(name.dropLast(4))), writer.count == 8 else {
            throw ArchiveError(.damaged, "no writer has such a name", path: path)
        }
        let (key, file) = try writerKey(writer)
        checkMAC(file, path)
        return key
    }

    /// A write-only host.
    private mutating func checkHost(_ path: String, name: String) throws(ArchiveError) {
        let file = try VaultFiles.parse(path) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: CaptureHost.type)
        }
        do throws(CryptoError) {
            let host = try CaptureHost(file)
            guard host.archive == identity.archive, host.writer.hex + CaptureHost.suffix == name else {
                throw CryptoError(.malformed, "it is another host's, or another archive's")
            }
        } catch { throw ArchiveError(.damaged, error.message, path: path) }
        checkMAC(file, path)
    }

    private mutating func checkMAC(_ file: TextFile, _ path: String) {
        if let keyHierarchy, !file.isAuthentic(keyHierarchy) { find(.damaged, path, "its MAC is wrong") }
    }

    /// Does one thing; what it throws is a finding under its own path, or `path`.
    mutating func attempt(_ path: String, _ body: (inout ArchiveCheck) throws(ArchiveError) -> Void) {
        do throws(ArchiveError) { try body(&self) } catch { find(error, path) }
    }
}
