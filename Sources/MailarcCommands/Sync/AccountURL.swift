import MailarcKit
import Synchronization

/// `imaps://USER@HOST[:PORT]`, or `imap://` for STARTTLS. RFC 5092; no password in it, and no path.
struct AccountURL {
    private let scheme: String
    private let user: String
    private let host: String
    private let port: Int

    init(_ text: String) throws(KitError) {
        let error = KitError(
            .usage, "not an account: \(text.prefix(200))",
            hint: "imaps://USER@HOST[:PORT] or imap://USER@HOST[:PORT]; the password comes by a file or a prompt")
        guard let scheme = ["imaps://", "imap://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            throw error
        }
        var rest = text.dropFirst(scheme.count)
        if rest.last == "/" { rest.removeLast() }
        guard let at = rest.lastIndex(of: "@") else { throw error }
        let user = rest[..<at].removingPercentEncoding
        var place = rest[rest.index(after: at)...]
        var port = scheme == "imaps://" ? 993 : 143
        if let colon = place.lastIndex(of: ":"), place.last != "]" {
            guard let number = Int(place[place.index(after: colon)...]), (1...65_535).contains(number) else {
                throw error
            }
            (port, place) = (number, place[..<colon])
        }
        if place.first == "[", place.last == "]" { place = place.dropFirst().dropLast() }
        guard let user, !user.isEmpty, !user.contains(":"), !place.isEmpty, !place.contains("/") else { throw error }
        (self.scheme, self.user, host, self.port) = (scheme, user, String(place), port)
    }

    func configuration(passwordFile: String?) throws(KitError) -> AccountConfiguration {
        let name = "\(scheme)\(user)@\(host)"
        let password: [UInt8]? = try passwordFile.map { file throws(KitError) in
            Secrets.trimmed(try Secrets.file(file, what: "password"))
        }
        let answer = Answer(password)
        return AccountConfiguration(
            name: name, host: host, port: port, user: user, security: scheme == "imaps://" ? .tls : .starttls
        ) { try answer.get { () throws(KitError) in try Secrets.prompt("Password of \(name): ") } }
    }
}

/// What was asked for once, and is used by every connection.
private final class Answer: Sendable {
    private let octets: Mutex<[UInt8]?>

    init(_ octets: [UInt8]?) { self.octets = Mutex(octets) }

    /// The answer; `ask` is called once, however many connections wait for it.
    func get(_ ask: () throws(KitError) -> [UInt8]) throws(KitError) -> [UInt8] {
        try octets.withLock { octets throws(KitError) in
            if let octets { return octets }
            let answer = try ask()
            octets = answer
            return answer
        }
    }
}

extension Substring {
    /// With `%XX` undone; `nil` where that is not UTF-8.
    fileprivate var removingPercentEncoding: String? {
        var octets: [UInt8] = []
        var rest = utf8[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                octets.append(octet)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
            octets.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: octets, as: UTF8.self)
    }
}
