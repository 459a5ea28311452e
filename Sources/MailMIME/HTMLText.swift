/// The words of an HTML document, for search and for terminals; nothing of it is ever run or shown as HTML.
public enum HTMLText {
    /// The text of `html`: no tags, comments, scripts, styles; entities decoded; block elements on their own lines; white
    /// space as one space. Total; linear: no octet is looked at more than a few times.
    public static func text(of html: String) -> String {
        var stripper = Stripper(Array(html.utf8))
        return stripper.run()
    }

    /// The charset an HTML document says it has, from its first 1,024 octets, or `nil`.
    public static func declaredCharset(_ octets: [UInt8]) -> String? {
        let head = octets.prefix(1_024).map(ASCII.lowercase)
        let key = Array("charset=".utf8)
        guard head.count > key.count else { return nil }
        for index in 0..<(head.count - key.count) where head[index] == key[0] && head[index...].starts(with: key) {
            let value = head[(index + key.count)...].drop { $0 == ASCII.quote || $0 == 0x27 || ASCII.isSpace($0) }
            let name = value.prefix { ASCII.isToken($0) && $0 != 0x27 }
            return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }
        return nil
    }

    /// Elements that stand on lines of their own.
    static let blocks: Set<String> = [
        "address", "article", "aside", "blockquote", "body", "br", "center", "dd", "details", "dir", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
        "hr",
        "html", "li", "main", "menu", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "tfoot", "thead",
        "title", "tr", "ul",
    ]
    /// Elements whose content is not text.
    static let silent: Set<String> = ["script", "style", "noscript", "template", "svg", "object"]
}

private struct Stripper {
    private let html: [UInt8]
    private var position = 0
    private var output: [UInt8] = []
    private var pendingSpace = false

    init(_ html: [UInt8]) {
        self.html = html
        output.reserveCapacity(html.count / 2)
    }

    mutating func run() -> String {
        while position < html.count {
            let octet = html[position]
            if octet == UInt8(ascii: "<"), startsMarkup() {
                markup()
            } else if octet == UInt8(ascii: "&") {
                entity()
            } else {
                if ASCII.isSpace(octet) || octet == 0x0C { pendingSpace = true } else { put(octet) }
                position += 1
            }
        }
        while output.last == ASCII.lineFeed { output.removeLast() }
        return String(decoding: output, as: UTF8.self)
    }

    private mutating func put(_ octet: UInt8) {
        if pendingSpace, let last = output.last, last != ASCII.lineFeed { output.append(ASCII.space) }
        pendingSpace = false
        output.append(octet)
    }

    private mutating func newLine() {
        pendingSpace = false
        if let last = output.last, last != ASCII.lineFeed { output.append(ASCII.lineFeed) }
    }

    private func startsMarkup() -> Bool {
        guard position + 1 < html.count else { return false }
        let next = ASCII.lowercase(html[position + 1])
        return next >= 0x61 && next <= 0x7A || next == UInt8(ascii: "/") || next == UInt8(ascii: "!")
            || next == UInt8(ascii: "?")
    }

    private mutating func markup() {
        if html[position...].starts(with: "<!--".utf8) {
            position = find("-->", from: position + 4) ?? html.count
            return
        }
        var index = position + 1
        let isEnd = html[index] == UInt8(ascii: "/")
        if isEnd { index += 1 }
        let start = index
        // LIMIT: no element's name is longer than 16.
        while index < html.count, index - start < 16, ASCII.isToken(html[index]) { index += 1 }
        let name = String(decoding: html[start..<index].map(ASCII.lowercase), as: UTF8.self)
        position = tagEnd(from: index)
        if HTMLText.blocks.contains(name) {
            newLine()
        } else if name == "td" || name == "th" {
            pendingSpace = true
        } else if !isEnd, HTMLText.silent.contains(name), html[position - 2] != UInt8(ascii: "/") {
            position = find("</" + name, from: position) ?? html.count
            if position < html.count { position = tagEnd(from: position) }
        }
    }

    /// After the `>` that ends a tag; quotes in attributes are respected. Without one, the end.
    private func tagEnd(from start: Int) -> Int {
        var index = start
        var quote: UInt8?
        var previous: UInt8 = 0
        while index < html.count {
            let octet = html[index]
            index += 1
            if let open = quote {
                if octet == open { quote = nil }
            } else if octet == UInt8(ascii: ">") {
                return index
            } else if (octet == ASCII.quote || octet == 0x27) && previous == UInt8(ascii: "=") {
                quote = octet
            }
            if !ASCII.isSpace(octet) { previous = octet }
        }
        return index
    }

    /// After the next `text` (lower-case) from `start`, without regard to case.
    private func find(_ text: String, from start: Int) -> Int? {
        let needle = Array(text.utf8)
        guard start < html.count, html.count - start >= needle.count else { return nil }
        var index = start
        while index <= html.count - needle.count {
            var matched = 0
            while matched < needle.count, ASCII.lowercase(html[index + matched]) == needle[matched] { matched += 1 }
            if matched == needle.count { return index + matched }
            index += 1
        }
        return nil
    }

    private mutating func entity() {
        // LIMIT: the longest name we know is 8; a number needs 8 digits at most.
        var index = position + 1
        let limit = min(html.count, position + 12)
        while index < limit, ASCII.isToken(html[index]), html[index] != UInt8(ascii: "&") { index += 1 }
        let name = html[(position + 1)..<index]
        guard let scalar = HTMLEntity.scalar(name) else {
            put(html[position])
            position += 1
            return
        }
        position = index < html.count && html[index] == UInt8(ascii: ";") ? index + 1 : index
        if scalar == "\u{A0}" || scalar == " " || scalar == "\n" || scalar == "\t" {
            pendingSpace = true
        } else if scalar != "\u{AD}", scalar != "\u{200B}", scalar != "\u{200C}", scalar != "\u{FEFF}" {
            for octet in String(Character(scalar)).utf8 { put(octet) }
        }
    }
}
