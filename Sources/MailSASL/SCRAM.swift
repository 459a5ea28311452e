/// The cryptography SCRAM-SHA-256 needs, lent by whoever composes the client.
public struct SCRAMPrimitives: Sendable {
    public var sha256: @Sendable ([UInt8]) -> [UInt8]
    /// Key, then message.
    public var hmacSHA256: @Sendable ([UInt8], [UInt8]) -> [UInt8]
    /// Password, salt, iterations; 32 octets.
    public var pbkdf2SHA256: @Sendable ([UInt8], [UInt8], Int) -> [UInt8]
    /// Printable ASCII without commas, at least 18 random octets' worth.
    public var nonce: @Sendable () -> String

    public init(
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        hmacSHA256: @escaping @Sendable ([UInt8], [UInt8]) -> [UInt8],
        pbkdf2SHA256: @escaping @Sendable ([UInt8], [UInt8], Int) -> [UInt8], nonce: @escaping @Sendable () -> String
    ) {
        (self.sha256, self.hmacSHA256, self.pbkdf2SHA256) = (sha256, hmacSHA256, pbkdf2SHA256)
        self.nonce = nonce
    }
}

/// One SCRAM-SHA-256 exchange without channel binding.
///
/// - SeeAlso: RFC 5802 §3, RFC 7677
public struct SCRAMExchange: Sendable {
    /// LIMIT: the lowest count RFC 7677 §4 allows, and one no server uses but an attacker to burn time.
    public static let iterations = 4_096...10_000_000

    public enum Failure: Error, Sendable, Hashable {
        case malformedChallenge, wrongNonce
        case iterationCount(Int)
        case wrongServerSignature
        case refused(String)
    }

    private let primitives: SCRAMPrimitives
    private let password: [UInt8]
    private let firstBare: String
    private let nonce: String
    private var serverSignature: [UInt8]?
    /// The server proved that it knows the password.
    public private(set) var isServerVerified = false

    /// An exchange for `user`; `,` and `=` are escaped.
    public init(user: String, password: [UInt8], primitives: SCRAMPrimitives) {
        self.primitives = primitives
        self.password = password
        nonce = primitives.nonce()
        firstBare = "n=\(Self.escaped(user)),r=\(nonce)"
    }

    // saslname = 1*(value-safe-char / "=2C" / "=3D")   ; RFC 5801 §4
    static func escaped(_ user: String) -> String {
        user.unicodeScalars.reduce(into: "") { $0 += $1 == "," ? "=2C" : $1 == "=" ? "=3D" : String($1) }
    }

    /// client-first-message
    public var first: [UInt8] { Array(("n,," + firstBare).utf8) }

    /// The answer to server-first-message: client-final-message.
    public mutating func answer(_ challenge: [UInt8]) throws(Failure) -> [UInt8] {
        let serverFirst = String(decoding: challenge, as: UTF8.self)
        let fields = Self.fields(serverFirst)
        guard let combined = fields["r"], let saltText = fields["s"], let salt = Base64.decode(Array(saltText.utf8)),
            let count = fields["i"].flatMap({ Int($0) }), fields["m"] == nil
        else { throw .malformedChallenge }
        guard combined.hasPrefix(nonce), combined.utf8.count > nonce.utf8.count else { throw .wrongNonce }
        guard Self.iterations.contains(count) else { throw .iterationCount(count) }
        let salted = primitives.pbkdf2SHA256(password, salt, count)
        let clientKey = primitives.hmacSHA256(salted, Array("Client Key".utf8))
        let serverKey = primitives.hmacSHA256(salted, Array("Server Key".utf8))
        let withoutProof = "c=biws,r=\(combined)"
        let authMessage = Array((firstBare + "," + serverFirst + "," + withoutProof).utf8)
        let signature = primitives.hmacSHA256(primitives.sha256(clientKey), authMessage)
        serverSignature = primitives.hmacSHA256(serverKey, authMessage)
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        return Array((withoutProof + ",p=" + Base64.encode(proof)).utf8)
    }

    /// Checks server-final-message.
    public mutating func verify(_ final: [UInt8]) throws(Failure) {
        let fields = Self.fields(String(decoding: final, as: UTF8.self))
        if let error = fields["e"] { throw .refused(error) }
        guard let expected = serverSignature, let text = fields["v"], let given = Base64.decode(Array(text.utf8)),
            given.count == expected.count, zip(given, expected).reduce(UInt8(0), { $0 | ($1.0 ^ $1.1) }) == 0
        else { throw .wrongServerSignature }
        isServerVerified = true
    }

    private static func fields(_ message: String) -> [String: String] {
        var result: [String: String] = [:]
        for field in message.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
        }
        return result
    }
}
