import ArchiveCrypto
import ArchiveLedger
import MailCore

/// A credential's time, in weeks.
package enum PrekeyCount {
    /// LIMIT: two years; each week costs the vault's root 80 octets.
    package static let range = 1...104
}

extension ArchiveWriter {
    /// Makes a write-only host; its credential is returned and kept nowhere here.
    ///
    /// - Throws: `.alreadyExists` for a name that is taken.
    package func addHost(_ name: String, weeks: Int) throws(ArchiveError) -> CaptureCredential {
        try checkRunning()
        guard try !archive.captureHosts().contains(where: { $0.name == name }) else {
            throw ArchiveError(.alreadyExists, "there is a write-only host \(name) already")
        }
        let (seed, writer) = (context.random.octets(32), context.random.octets(8))
        let key: [UInt8]
        do throws(CryptoError) { key = try Ed25519.publicKey(seed: seed) } catch {
            throw ArchiveError(.internalError, "no key for a write-only host", cause: error)
        }
        let now = context.now()
        var host = CaptureHost(
            archive: archive.id, writer: writer, name: name, created: CivilTime(secondsSinceEpoch: now).rfc3339,
            key: key)
        try addPrekeys(weeks, from: now, to: &host)
        try store(host)
        try appendLeaf(.hostAdded(writer: writer, name: name, key: key, nonce: context.newID()))
        return CaptureCredential(archive: archive.id, writer: writer, name: name, seed: seed, prekeys: host.prekeys)
    }

    /// Gives `credential` as many weeks as are asked for, from now on; those it has stay.
    package func renew(_ credential: CaptureCredential, weeks: Int) throws(ArchiveError) -> CaptureCredential {
        try checkRunning()
        var host = try host(credential.name)
        guard host.writer == credential.writer, host.archive == credential.archive else {
            throw ArchiveError(.damaged, "the credential is not that of \(credential.name)")
        }
        let now = context.now()
        let begin = max(now, host.prekeys.last?.ends ?? now)
        let wanted = (now + Int64(weeks) * Prekey.lifetime - begin + Prekey.lifetime - 1) / Prekey.lifetime
        if wanted > 0 { try addPrekeys(Int(wanted), from: begin, to: &host) }
        try store(host)
        var renewed = credential
        renewed.prekeys = host.prekeys.filter { $0.ends > now }
        return renewed
    }

    /// The host is no more: nothing that it sealed can be opened any longer.
    package func retireHost(_ name: String) throws(ArchiveError) {
        try checkRunning()
        let host = try host(name)
        try forget(host.prekeys)
        try appendLeaf(.hostRemoved(writer: host.writer, name: name, nonce: context.newID()))
        try FileTree.remove("\(archive.layout.writers)/\(host.writer.hex)\(CaptureHost.suffix)")
        try FileTree.syncDirectory(archive.layout.writers)
    }

    /// The messages of a segment are durable here; prekeys before its own are of no more use and go.
    ///
    /// - Parameter skips: how many messages the host did not keep, by reason; told in one step with the adoption, so once.
    package func adopted(
        _ header: SegmentHeader, digest: [UInt8], of host: CaptureHost, skips: [String: UInt64] = [:]
    ) throws(ArchiveError) -> CaptureHost {
        try checkRunning()
        guard let object = MerkleHash(octets: digest) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        let told = SkipRecord.records(skips, nonce: context.newID).map(LeafBody.skipped)
        _ = try appendLeaves(
            told + [
                .adopted(
                    writer: host.writer, sequence: header.sequence, object: object, count: UInt64(header.messageCount),
                    nonce: context.newID())
            ])
        var host = host
        (host.sequence, host.digest) = (header.sequence, digest)
        let past = host.prekeys.prefix { $0.id != header.prekey }
        host.prekeys.removeFirst(past.count)
        // ORDER: the file no longer names a prekey before the vault forgets it.
        try store(host)
        try forget(Array(past))
        return host
    }

    private func host(_ name: String) throws(ArchiveError) -> CaptureHost {
        guard let host = try archive.captureHosts().first(where: { $0.name == name }) else {
            throw ArchiveError(.missing, "there is no write-only host \(name)")
        }
        return host
    }

    private func addPrekeys(_ weeks: Int, from begin: Int64, to host: inout CaptureHost) throws(ArchiveError) {
        var secrets: [String: [UInt8]?] = [:]
        for week in 0..<Int64(weeks) {
            let secret = context.random.octets(32)
            do throws(CryptoError) {
                let prekey = Prekey(
                    id: context.newID(), begins: begin + week * Prekey.lifetime,
                    publicKey: try X25519.publicKey(privateKey: secret))
                secrets[prekey.secretName] = secret
                host.prekeys.append(prekey)
            } catch { throw ArchiveError(.internalError, "no prekey", cause: error) }
        }
        // ORDER: private halves are durable before anybody can seal to them.
        try changeSecrets(secrets)
    }

    private func forget(_ prekeys: [Prekey]) throws(ArchiveError) {
        guard !prekeys.isEmpty else { return }
        try changeSecrets(Dictionary(uniqueKeysWithValues: prekeys.map { ($0.secretName, nil) }))
    }

    private func changeSecrets(_ secrets: [String: [UInt8]?]) throws(ArchiveError) {
        do throws(ArchiveError) { try vault.change(secrets) } catch {
            pending.fail(error)
            throw error
        }
    }

    private func store(_ host: CaptureHost) throws(ArchiveError) {
        try FileTree.replace(
            "\(archive.layout.writers)/\(host.writer.hex)\(CaptureHost.suffix)", with: host.octets(archive.keys))
    }
}
