import NIOCore
import NIOSSL

/// What STARTTLS needs of a server: certificate and key.
package struct ReceiverTLS: Sendable {
    private let context: NIOSSLContext

    /// - Parameters:
    ///   - certificateFile: PEM, the server's certificate first, then those above it.
    ///   - keyFile: PEM, without a passphrase.
    package init(certificateFile: String, keyFile: String) throws(SMTPError) {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
            var tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
            tls.minimumTLSVersion = .tlsv12
            context = try NIOSSLContext(configuration: tls)
        } catch {
            throw SMTPError(.tls, "\(certificateFile) and \(keyFile) cannot be used for TLS", cause: error)
        }
    }

    func makeHandler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context) }
}

extension TLSVersion {
    /// As protocols call it.
    var name: String {
        switch self {
        case .tlsv1: "TLSv1"
        case .tlsv11: "TLSv1.1"
        case .tlsv12: "TLSv1.2"
        case .tlsv13: "TLSv1.3"
        }
    }
}
