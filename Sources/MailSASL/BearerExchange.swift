import FoundationEssentials

/// One login by an access token: it is said at once, and a refusal comes as a challenge with its reasons.
///
/// ```
/// client-resp = gs2-header kvsep *(key "=" value kvsep) kvsep   ; RFC 7628 §3.1, kvsep = %x01
/// xoauth2     = "user=" user %x01 "auth=Bearer " token %x01 %x01
/// ```
/// - SeeAlso: RFC 7628 (OAUTHBEARER), Google "XOAUTH2 Protocol"
public struct BearerExchange: Sendable {
    /// What the client says first.
    public let first: [UInt8]
    /// What a client answers to a refusal, so that the server can end the exchange.
    private let farewell: [UInt8]
    /// The server's `status` of a refusal: `invalid_token`, `400`.
    public private(set) var refusal: String?

    /// By OAUTHBEARER; `host` and `port` are those the client connected to.
    public static func oauthBearer(user: String, host: String, port: Int, token: [UInt8]) -> BearerExchange {
        let head = "n,a=\(SCRAMExchange.escaped(user)),\u{1}host=\(host)\u{1}port=\(port)\u{1}auth=Bearer "
        return BearerExchange(first: Array(head.utf8) + token + [1, 1], farewell: [1])
    }

    /// By the mechanism that came before the standard.
    public static func xoauth2(user: String, token: [UInt8]) -> BearerExchange {
        BearerExchange(first: Array("user=\(user)\u{1}auth=Bearer ".utf8) + token + [1, 1], farewell: [])
    }

    private init(first: [UInt8], farewell: [UInt8]) { (self.first, self.farewell) = (first, farewell) }

    /// Takes a refusal (JSON, not encoded any more); what to say to it.
    ///
    /// - SeeAlso: RFC 7628 §3.2.2, §3.2.3
    public mutating func answer(_ challenge: [UInt8]) -> [UInt8] {
        struct Status: Decodable { var status: String? }
        let told = try? JSONDecoder().decode(Status.self, from: Data(challenge)).status
        // LIMIT: what is shown of it; it is a word or a number.
        refusal = told.map { String($0.unicodeScalars.filter { $0.isASCII && $0.value > 0x20 }.map(Character.init)) }
            .flatMap { $0.isEmpty ? nil : String($0.prefix(80)) }
        return farewell
    }
}
