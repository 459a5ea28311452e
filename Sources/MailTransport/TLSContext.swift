import MailCore
import NIOCore
import NIOSSL

/// What a TLS client handler is made from.
struct TLSContext: Sendable {
    private let context: NIOSSLContext
    private let host: String?
    private let pin: (@Sendable ([UInt8]) -> String?)?

    init(_ configuration: ServerConfiguration) throws(StoreError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = [configuration.protocolID]
        pin = configuration.pin
        tls.certificateVerification =
            pin != nil ? .noHostnameVerification : configuration.verification == .full ? .fullVerification : .none
        if let caFile = configuration.caFile { tls.trustRoots = .file(caFile) }
        do {
            context = try NIOSSLContext(configuration: tls)
        } catch {
            throw StoreError(.tlsFailed, "TLS cannot be set up: \(error)", cause: error)
        }
        // An address has no place in SNI; it is then checked against the certificate's addresses.
        let isAddress = (try? SocketAddress(ipAddress: configuration.host, port: 0)) != nil
        host = isAddress ? nil : configuration.host
    }

    func makeHandler(for channel: any NIOCore.Channel) throws -> NIOSSLClientHandler {
        guard let pin else { return try NIOSSLClientHandler(context: context, serverHostname: host) }
        return try NIOSSLClientHandler(context: context, serverHostname: host) { certificates, promise in
            // The server's own comes first. RFC 8446 §4.4.2
            let reason = (try? certificates.first?.toDERBytes()).map(pin) ?? "missing"
            guard let reason else { return promise.succeed(.certificateVerified) }
            // ORDER: what is wrong, before TLS says that something is.
            channel.pipeline.fireErrorCaught(StoreError(.tlsFailed, "TLS failed: the certificate is \(reason)"))
            promise.succeed(.failed)
        }
    }
}
