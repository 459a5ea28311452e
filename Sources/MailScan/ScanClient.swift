import MailCore
import MailTransport
import NIOCore

/// Asks a scanner of this machine, one connection a message.
package struct ScanClient: Sendable {
    package let address: ScannerAddress
    private let patience: Duration

    /// LIMIT: as spamc has it; spam is small, and a scanner's time grows with a message.
    package static let octetLimit = 512 << 10
    /// LIMIT: for a whole answer; Rspamd ends after 8 s, SpamAssassin with tests over the network within some 10 s. The
    /// mail server waits for minutes.
    package static let longest = Duration.seconds(20)
    private static let connectTimeout = Duration.seconds(2)

    /// - Parameter patience: for a whole answer.
    package init(_ address: ScannerAddress, patience: Duration = longest) {
        (self.address, self.patience) = (address, patience)
    }

    /// - Throws: `.unreachable`, `.silent`, `.refused`, `.cancelled`.
    package func verdict(_ request: ScanRequest) async throws(ScanError) -> ScanVerdict {
        let deadline = ContinuousClock.now + patience
        let transport: Transport
        do throws(StoreError) { transport = try await connect() } catch { throw scanError(error, .unreachable) }
        defer { transport.close() }
        let dialogue = address.program.dialogue
        transport.write(dialogue.request(request))
        var octets: [UInt8] = []
        while true {
            let buffers: [ByteBuffer]
            let left = deadline - ContinuousClock.now
            do throws(StoreError) {
                guard left > .zero else { throw StoreError(.connectionLost, "no answer in time") }
                buffers = try await transport.read(within: left)
            } catch {
                // A connection that breaks does not do so at this very moment.
                let isLate = ContinuousClock.now > deadline - .milliseconds(50)
                throw scanError(error, isLate ? .silent : .refused)
            }
            for buffer in buffers { octets += buffer.readableBytesView }
            if let verdict = try dialogue.verdict(octets, isEnd: buffers.isEmpty) { return verdict }
        }
    }

    private func scanError(_ error: StoreError, _ kind: ScanError.Kind) -> ScanError {
        ScanError(error.kind == .cancelled ? .cancelled : kind, "\(address): \(error.message)", cause: error.cause)
    }

    private func connect() async throws(StoreError) -> Transport {
        switch address.place {
        case .unix(let path):
            return try await Transport.connect(
                unix: path, within: Self.connectTimeout, responseTimeout: patience)
        case .tcp(let host, let port):
            var server = ServerConfiguration(host: host, port: port, security: .plaintext, protocolID: "")
            (server.connectTimeout, server.responseTimeout) = (Self.connectTimeout, patience)
            return try await Transport.connect(server)
        }
    }
}
