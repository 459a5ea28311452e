import MailCore
import NIOCore
import NIOSSL

/// What a TLS client handler is made from.
struct TLSContext: Sendable {
    private let context: NIOSSLContext
    private let host: String?

    init(_ configuration: IMAPConfiguration) throws(StoreError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["imap"]
        tls.certificateVerification = configuration.verification == .full ? .fullVerification : .none
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

    func makeHandler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: host)
    }
}
