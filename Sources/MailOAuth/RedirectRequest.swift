/// What a browser brings back, as a value: a request in, an answer and perhaps an outcome out.
///
/// - SeeAlso: RFC 6749 §4.1.2, RFC 8252 §7.3, §8.9
package struct RedirectRequest: Sendable {
    package var status: String
    package var words: String
    /// The code, or why there is none; `nil`: it was something else, and the wait goes on.
    package var outcome: Result<String, OAuthError>?

    /// - Parameters:
    ///   - line: `GET /?code=…&state=… HTTP/1.1`.
    ///   - state: what the right answer has; one without it may be anybody's and changes nothing.
    package init(_ line: String, state: String) {
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "GET", words[1].hasPrefix("/") else {
            self.init(status: "405 Method Not Allowed", words: "This is not for you.")
            return
        }
        let halves = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let fields = FormText.decode(halves.count > 1 ? halves[1] : "")
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        guard halves[0] == "/", value("code") != nil || value("error") != nil else {
            self.init(status: "404 Not Found", words: "There is nothing here.")
            return
        }
        guard let given = value("state"), given == state else {
            self.init(status: "400 Bad Request", words: "This answer belongs to another login. It was not used.")
            return
        }
        if let error = value("error") {
            self.init(status: "200 OK", words: "Nothing was granted. You can close this window.")
            let told = value("error_description").map { ": \($0.prefix(300))" } ?? ""
            outcome = .failure(
                OAuthError(
                    error == "access_denied" ? .denied : .refused,
                    "The authorization server refused (\(error.prefix(80)))\(told)"))
            return
        }
        self.init(status: "200 OK", words: "mailarc has what it needs. You can close this window.")
        outcome = .success(value("code") ?? "")
    }

    private init(status: String, words: String) { (self.status, self.words) = (status, words) }

    /// The whole answer.
    package var octets: [UInt8] {
        let page = "<!DOCTYPE html><title>mailarc</title><p>\(words)</p>\n"
        let lines = [
            "HTTP/1.1 \(status)", "Content-Type: text/html; charset=utf-8", "Content-Length: \(page.utf8.count)",
            "Cache-Control: no-store", "Referrer-Policy: no-referrer", "Connection: close", "", "",
        ]
        return Array((lines.joined(separator: "\r\n") + page).utf8)
    }
}
