import ArchiveCrypto
import MailCore

/// A server's certificate known by its SHA-256, in place of the authorities that vouch for it.
///
/// As `openssl x509 -fingerprint -sha256` prints it, or with `sha256:` in front.
public struct CertificatePin: Sendable, Hashable {
    private let digest: [UInt8]

    public init?(_ text: String) {
        let digits = text.lowercased().replacing("sha256:", with: "").replacing(":", with: "")
        guard let digest = [UInt8](hex: digits), digest.count == 32 else { return nil }
        self.digest = digest
    }

    /// `sha256:` and 64 hexadecimal digits.
    public var text: String { "sha256:" + digest.hex }

    /// Why `certificate` (DER) is another one; `nil` if it is not.
    func refusal(of certificate: [UInt8]) -> String? {
        let found = SHA256.hash(certificate)
        return found == digest ? nil : "not the pinned one: it is sha256:\(found.hex)"
    }
}

extension CertificatePin: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let pin = CertificatePin(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no SHA-256 of a certificate")
        }
        self = pin
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
