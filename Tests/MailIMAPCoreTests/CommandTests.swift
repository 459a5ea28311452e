import MailCore
import MailIMAPCore
import Testing

@Suite("Commands")
struct CommandTests {
    static func text(_ segments: [[UInt8]]) -> [String] { segments.map { String(decoding: $0, as: UTF8.self) } }
    static func name(_ text: String) -> WireName { WireName(MailboxName(text), isUTF8: false) }
    static let uids = UIDSet(ranges: [1...4, 7...7])

    static let rows: [(Command, String)] = [
        (.capability, "CAPABILITY"),
        (.login(user: Array("a b".utf8), password: Array("p\"w\\".utf8)), #"LOGIN "a b" "p\"w\\""#),
        (.authenticate("PLAIN", initialResponse: [0, 97, 0, 98]), "AUTHENTICATE PLAIN AGEAYg=="),
        (.authenticate("X", initialResponse: []), "AUTHENTICATE X ="),
        (.id([("name", "mailarc")]), #"ID ("name" "mailarc")"#),
        (.id([]), "ID NIL"),
        (.enable(["CONDSTORE", "QRESYNC"]), "ENABLE CONDSTORE QRESYNC"),
        (.list(), #"LIST "" "*""#),
        (
            .list(returning: [.children, .status([.messages, .uidNext])]),
            #"LIST "" "*" RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))"#
        ),
        (.status(name("Größe"), [.uidValidity]), "STATUS Gr&APYA3w-e (UIDVALIDITY)"),
        (.examine(name("a%b")), #"EXAMINE "a%b""#),
        (.examine(name("NIL")), #"EXAMINE "NIL""#),
        (.select(name("x"), .condStore), "SELECT x (CONDSTORE)"),
        (
            .examine(name("x"), .quickResync(UIDValidity(3), ModSeq(9) ?? .one, known: uids)),
            "EXAMINE x (QRESYNC (3 9 1:4,7))"
        ),
        (.uidFetch("1:*", [.uid, .flags, .modSeq]), "UID FETCH 1:* (UID FLAGS MODSEQ)"),
        (.uidFetch("1", [.bodyPart(offset: 8, octetCount: 4)]), "UID FETCH 1 (BODY.PEEK[]<8.4>)"),
        (.uidFetch("1:9", [.flags], changedSince: ModSeq(5)), "UID FETCH 1:9 (FLAGS) (CHANGEDSINCE 5)"),
        (.uidSearch(.all, isExtended: true), "UID SEARCH RETURN (ALL) ALL"),
        (.uidSearch(.flag(.seen), isExtended: false), "UID SEARCH SEEN"),
        (.uidSearch(.flag(Flag("$x")), isExtended: false), "UID SEARCH KEYWORD $x"),
        (
            .uidStore(uids, .add, [.seen], unchangedSince: ModSeq(5)),
            "UID STORE 1:4,7 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)"
        ),
        (.uidCopy(uids, to: name("x y")), #"UID COPY 1:4,7 "x y""#),
        (.uidMove(uids, to: name("x")), "UID MOVE 1:4,7 x"),
        (.uidExpunge(uids), "UID EXPUNGE 1:4,7"),
        (.idle, "IDLE"),
        (
            .notify([.messageNew, .messageExpunge, .flagChange]),
            "NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))"
        ),
        (.create(name("x")), "CREATE x"), (.delete(name("x")), "DELETE x"),
        (.rename(name("x"), to: name("y z")), #"RENAME x "y z""#),
    ]

    @Test("a command is encoded", arguments: rows)
    func encoding(_ row: (Command, String)) {
        #expect(Self.text(row.0.encoded(tag: "A1", literals: .synchronising)) == ["A1 " + row.1 + "\r\n"])
    }

    @Test("literals wait for the server unless LITERAL+ or a short LITERAL- says otherwise")
    func literals() {
        let login = Command.login(user: [0xE4], password: Array("pw".utf8))
        let waiting = login.encoded(tag: "A1", literals: .synchronising)
        #expect(waiting == [Array("A1 LOGIN {1}\r\n".utf8), [0xE4] + Array(" pw\r\n".utf8)])
        #expect(login.encoded(tag: "A1", literals: .minus).count == 1)
        let message = [UInt8](repeating: 65, count: 4097)
        let append = Command.append(
            message, to: Self.name("x"), flags: [.seen], internalDate: InternalDate(secondsSinceEpoch: 0))
        #expect(append.encoded(tag: "A1", literals: .minus).count == 2)
        let plus = append.encoded(tag: "A1", literals: .plus)
        #expect(plus.count == 1)
        #expect(
            plus[0].starts(with: Array("A1 APPEND x (\\Seen) \" 1-Jan-1970 00:00:00 +0000\" {4097+}\r\n".utf8)))
    }

    @Test("names go as UTF-8 in quotes once it is enabled, and come back the same")
    func utf8() {
        let name = MailboxName("Größe")
        let wire = WireName(name, isUTF8: true)
        #expect(Self.text(Command.examine(wire).encoded(tag: "A", literals: .plus)) == ["A EXAMINE \"Größe\"\r\n"])
        #expect(WireName.decode(wire.octets, delimiter: 47, isUTF8: true) == name)
        #expect(WireName.decode(name.octets, delimiter: 47, isUTF8: false) == name)
    }

    @Test("a description never holds a password")
    func secrets() {
        #expect(Command.login(user: [97], password: Array("geheim".utf8)).description == "LOGIN")
        #expect(Command.authenticate("PLAIN", initialResponse: [1]).description == "AUTHENTICATE")
    }
}

extension ModSeq {
    static var one: ModSeq { ModSeq(1).unsafelyPresent }
}

extension Optional {
    /// For constants only.
    fileprivate var unsafelyPresent: Wrapped {
        guard let self else { preconditionFailure("a constant is wrong") }
        return self
    }
}
