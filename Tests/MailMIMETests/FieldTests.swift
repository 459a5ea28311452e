import MailMIME
import Testing

struct FieldTests {
    @Test(
        "an address list parses",
        arguments: [
            ("a@b.c", ["<a@b.c>"]), ("Joe <a@b.c>", ["Joe<a@b.c>"]),
            ("\"Doe, Joe\" <a@b.c>, x@y", ["Doe, Joe<a@b.c>", "<x@y>"]),
            ("a@b.c (Joe)", ["Joe<a@b.c>"]), ("G: a@b, c@d;", ["G:<a@b>", "G:<c@d>"]), ("undisclosed-recipients:;", []),
            ("=?utf-8?q?J=C3=B6?= <a@b>", ["Jö<a@b>"]), ("<@r1,@r2:a@b>", ["<a@b>"]),
            ("Joe Q. Public <a@b>", ["Joe Q. Public<a@b>"]),
            ("Joe a@b.c", ["Joe<a@b.c>"]), ("a@[127.0.0.1]", ["<a@[127.0.0.1]>"]), ("\"a b\"@c", ["<\"a b\"@c>"]),
            ("a@b; c@d", ["<a@b>", "<c@d>"]), (",,a@b,,", ["<a@b>"]), ("root", ["<root>"]), ("<a@b", ["<a@b>"]),
            ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", ["Pete<pete@silly.test>"]), ("(", []),
            ("\"Joe\\\"s\" <a . b @ c>", ["Joe\"s<a.b@c>"]),
        ])
    func addresses(_ text: String, _ expected: [String]) {
        let parsed = AddressParser.parse(Array(text.utf8)[...])
        #expect(
            parsed.map { ($0.group.map { $0 + ":" } ?? "") + ($0.displayName ?? "") + "<\($0.mailbox)>" } == expected)
    }

    @Test(
        "a date parses",
        arguments: [
            ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706, -360), ("21 Nov 97 09:55:06 GMT", 880_106_106, 0),
            ("Thu Nov 20 10:00:00 2003", 1_069_322_400, 0),
            ("2003-11-20T10:00:00Z", 1_069_322_400, 0), ("2003-11-20T10:00:00+01:00", 1_069_318_800, 60),
            ("20 Nov 2003 10:00:00 EST", 1_069_340_400, -300), ("20-Nov-2003 10:00:00 +0000 (UTC)", 1_069_322_400, 0),
            ("Thu, 20 Nov 103 10:00 +0000", 1_069_322_400, 0), ("", nil, 0), ("yesterday", nil, 0),
            ("Thu, 20 Nov 2003 10:00:00 GMT+0100", 1_069_318_800, 60), ("20 Nov 99999999999999999999 10:00", nil, 0),
        ] as [(String, Int64?, Int16)])
    func dates(_ text: String, _ seconds: Int64?, _ zone: Int16) {
        let date = DateParser.parse(Array(text.utf8)[...])
        #expect(date?.secondsSinceEpoch == seconds)
        if let date { #expect(date.zoneOffset == zone) }
    }

    @Test(
        "a content type parses",
        arguments: [
            ("text/plain; charset=utf-8", "text/plain", ["charset": "utf-8"]),
            (
                "Text/HTML;charset=\"iso-8859-1\" ; format=flowed", "text/html",
                ["charset": "iso-8859-1", "format": "flowed"]
            ),
            ("a/b; name*=utf-8''%E2%82%AC", "a/b", ["name": "€"]),
            ("a/b; name*0*=utf-8'en'a%C3; name*1*=%A4; name*2=\"%.txt\"", "a/b", ["name": "aä%.txt"]),
            ("a/b; name*1=b; name*0=a", "a/b", ["name": "ab"]),
            ("a/b; name=\"=?utf-8?q?=C3=A4?=\"", "a/b", ["name": "ä"]),
            ("a/b; name=x y.txt; z=1", "a/b", ["name": "x y.txt", "z": "1"]),
            ("a/b;;; ;x=\"a\\\"b\"", "a/b", ["x": "a\"b"]),
            ("text/plain (comment); charset=us-ascii (Plain text)", "text/plain", ["charset": "us-ascii"]),
            ("a / b ; c = d", "a/b", ["c": "d"]), ("a/b; c=\"unfinished", "a/b", ["c": "unfinished"]),
        ])
    func contentTypes(_ text: String, _ essence: String, _ parameters: [String: String]) {
        let type = ContentType(parsing: Array(text.utf8)[...])
        #expect(type?.essence == essence)
        for (name, value) in parameters { #expect(type?.parameters[name] == value) }
        #expect(type?.parameters.list.count == parameters.count)
    }

    @Test(
        "HTML becomes text",
        arguments: [
            ("<p>a <b>b</b>&nbsp;c</p><p>d", "a b c\nd"), ("<script>x<y</script>z", "z"), ("a<!-- b > -->c", "ac"),
            ("&lt;a&gt; &amp; &#65;&#x42; &bogus; &", "<a> & AB &bogus; &"), ("1 < 2", "1 < 2"),
            ("<a title='x>y'>z</a>", "z"),
            ("<style>a</STYLE>b<br>c", "b\nc"), ("<td>a</td><td>b</td>", "a b"), ("&#150;&eacute;", "–é"),
            ("<script>a", ""),
            ("a<", "a<"), ("<", "<"), ("a\n\n  b", "a b"),
        ])
    func html(_ html: String, _ text: String) { #expect(HTMLText.text(of: html) == text) }

    @Test("the text to index prefers plain text and strips HTML without it")
    func indexText() {
        let message = """
            Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
            From: Joe <joe@example.org>
            To: ann@example.org
            Content-Type: multipart/mixed; boundary=m

            --m
            Content-Type: multipart/alternative; boundary=a

            --a

            plain words
            --a
            Content-Type: text/html

            <p>html words</p>
            --a--
            --m
            Content-Type: text/html

            <p>second <b>part</b></p>
            --m
            Content-Type: text/csv; name="data.csv"
            Content-Disposition: attachment
            Content-Transfer-Encoding: base64

            YSxiLGM=
            --m--

            """
        for chunk in [1, 5, 10_000] {
            let octets = Array(message.utf8)
            var handler = IndexText()
            var parser = MessageParser()
            for start in stride(from: 0, to: octets.count, by: chunk) {
                parser.consume(octets.span.extracting(start..<min(octets.count, start + chunk)), into: &handler)
            }
            let text = handler.finish(parser.finish(into: &handler))
            #expect(text.subject == "Grüße" && text.from == "Joe joe@example.org" && text.to == "ann@example.org")
            #expect(text.body == "plain words\nsecond part\n")
            #expect(text.attachmentNames == ["data.csv"] && text.attachmentText == "a,b,c\n" && !text.isTruncated)
        }
    }
}
