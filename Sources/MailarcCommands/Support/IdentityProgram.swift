import FoundationEssentials
import MailarcKit

/// A program that holds an identity and does its key agreement (Documentation/Keys.md).
///
/// It gets one line of JSON on standard input and answers with the shared secret, 32 octets in base64, on standard
/// output. Any other exit status than 0 says that it has no identity for the request.
struct IdentityProgram {
    var command: String

    func ask(_ request: IdentityRequest) throws(KitError) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(request) else {
            throw KitError(.internalError, "a request cannot be written as JSON")
        }
        let (status, answer) = try run(Array(line) + [UInt8(ascii: "\n")])
        guard status == 0 else {
            throw KitError(
                .wrongKey, "the identity command ended with status \(status) for \(request.recipient)",
                hint: "its own messages stand above")
        }
        guard let secret = IdentityRequest.sharedSecret(in: answer) else {
            throw KitError(
                .wrongKey, "the identity command answered something else than 32 octets in base64",
                hint: "the protocol: Documentation/Keys.md")
        }
        return secret
    }

    /// LIMIT: seconds; a token may wait for a touch.
    private static let patience: Int64 = 120

    private func run(_ input: [UInt8]) throws(KitError) -> (status: Int32, output: [UInt8]) {
        let outcome = try ChildProcess.run("/bin/sh", ["-c", command], input: input, seconds: Self.patience)
        guard let status = outcome.status else {
            throw KitError(.wrongKey, "the identity command did not answer within \(Self.patience) seconds")
        }
        return (status, outcome.output)
    }
}

/// Identities named by environment or configuration.
///
/// ```toml
/// [unlock]
/// identity-file = "/etc/mailarc/identity"
/// identity-command = "mailarc-identity-token"
/// ```
enum IdentityDefaults {
    static func read() throws(KitError) -> (files: [String], command: String?) {
        let file = Secrets.variable("MAILARC_IDENTITY_FILE")
        let command = Secrets.variable("MAILARC_IDENTITY_COMMAND")
        if file != nil || command != nil { return (file.map { [$0] } ?? [], command) }
        return try ConfigurationFile(path: nil).identities
    }
}
