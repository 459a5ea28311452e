import ArgumentParser
import MailarcKit

/// What shall open the archive from now on; a prompt for a passphrase if nothing is named.
struct NewKeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The new key is this file.", valueName: "file"))
    var newKeyFile: String?
    @Option(help: ArgumentHelp("Read the new passphrase from this file.", valueName: "file"))
    var newPassphraseFile: String?
    @Option(help: ArgumentHelp("Read the new passphrase from this file descriptor.", valueName: "n"))
    var newPassphraseFd: Int32?
    @Option(help: ArgumentHelp("Run this command and take its output as the new passphrase.", valueName: "command"))
    var newPassphraseCommand: String?
    @Option(help: ArgumentHelp("The new key is whoever has the identity of this age recipient.", valueName: "age1…"))
    var recipient: String?
    @Option(
        help: ArgumentHelp(
            "The same, with the recipient in a file: a line age1…, or an X25519 public key in PEM.", valueName: "file"))
    var recipientFile: String?

    func validate() throws {
        let named: [Bool] = [
            newKeyFile != nil, newPassphraseFile != nil, newPassphraseFd != nil, newPassphraseCommand != nil,
            recipient != nil, recipientFile != nil,
        ]
        guard named.count(where: \.self) <= 1 else {
            throw ValidationError("name one new key only: a key file, a passphrase or a recipient")
        }
    }

    func slot() throws(KitError) -> NewSlot {
        if let recipient { return .recipient(try Recipient(recipient)) }
        if let recipientFile {
            let found = try Recipient.parse(Secrets.file(recipientFile, what: "recipient"), name: recipientFile)
            guard found.count == 1, let only = found.first else {
                throw KitError(
                    .usage, "\(recipientFile) has \(found.count) recipients",
                    hint: "add them one at a time: --recipient")
            }
            return .recipient(only)
        }
        let source = PassphraseSource(
            file: newPassphraseFile, descriptor: newPassphraseFd, command: newPassphraseCommand)
        return try NewSlotInput(keyFile: newKeyFile, passphrase: source).slot()
    }
}

/// Takes a new passphrase (twice by prompt) or key file.
struct NewSlotInput {
    var keyFile: String?
    var passphrase: PassphraseSource

    func slot() throws(KitError) -> NewSlot {
        if let keyFile {
            let key = try Secrets.file(keyFile, what: "key")
            guard key.count >= 32 else {
                throw KitError(
                    .usage, "the key file \(keyFile) has fewer than 32 octets", hint: "openssl rand -hex 32")
            }
            return .keyFile(key)
        }
        let first = try passphrase.read(prompt: "New passphrase: ")
        guard !first.isEmpty else { throw KitError(.usage, "the passphrase is empty") }
        if !passphrase.isGiven {
            let again = Secrets.trimmed(try Secrets.prompt("Once more: "))
            guard again == first else { throw KitError(.usage, "the two passphrases differ") }
        }
        return .passphrase(first)
    }
}
