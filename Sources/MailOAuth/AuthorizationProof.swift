import FoundationEssentials

/// What ties the answer of a browser to the program that sent it there.
///
/// - SeeAlso: RFC 7636 §4.1, §4.2; RFC 6749 §10.12
package struct AuthorizationProof: Sendable {
    /// Shown when the code is exchanged.
    package let verifier: String
    /// SHA-256 of it, shown before.
    package let challenge: String
    /// Comes back with the code.
    package let state: String

    package init(_ primitives: OAuthPrimitives) {
        self.init(
            verifier: Self.text(primitives.random(32)), state: Self.text(primitives.random(16)),
            sha256: primitives.sha256)
    }

    package init(verifier: String, state: String, sha256: ([UInt8]) -> [UInt8]) {
        (self.verifier, self.state) = (verifier, state)
        challenge = Self.text(sha256(Array(verifier.utf8)))
    }

    /// base64url without padding. RFC 7636 appendix A
    private static func text(_ octets: [UInt8]) -> String {
        String(
            Data(octets).base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
