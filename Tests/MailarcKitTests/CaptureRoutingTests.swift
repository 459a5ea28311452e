import MailCore
import MailarcKit
import Testing

@Suite struct CaptureRoutingTests {
    private func place(_ recipient: String, _ routes: [CaptureRoute], allowed: [String] = []) throws -> String {
        let place = try CaptureRouting(routes, allowed: allowed).place(of: recipient)
        return "\(place.account):\(place.mailbox.text) \(place.direction)"
    }

    @Test("the first route that matches counts, in any case, and stars are filled in")
    func routes() throws {
        let routes = [
            CaptureRoute(recipient: "*_rcv@*.example", account: "{1}", mailbox: "{2}/In", direction: .received),
            CaptureRoute(recipient: "*_snd@*", account: "{1}", direction: .sent),
            CaptureRoute(recipient: "anna@example", account: "anna"),
            CaptureRoute(recipient: "*", account: "rest", mailbox: "Lost"),
        ]
        #expect(try place("Anna_RCV@mx.Example", routes) == "anna:mx/In received")
        #expect(try place("a_b_snd@x", routes) == "a_b:Sent sent")
        #expect(try place("ANNA@EXAMPLE", routes) == "anna:INBOX unknown")
        #expect(try place("else", routes) == "rest:Lost unknown")
        // What a star stands for is no name anybody may make: the next route takes it.
        #expect(try place("../../x_snd@x", routes) == "rest:Lost unknown")
        #expect(try place("_snd@x", routes) == "rest:Lost unknown")
        #expect(try place(String(repeating: "a", count: 65) + "_snd@x", routes) == "rest:Lost unknown")
    }

    @Test("who is on no route, or not on the list, is refused")
    func refusals() {
        let routes = [CaptureRoute(recipient: "*@good", account: "x")]
        #expect(throws: CaptureRouting.Refusal.noRoute) { try place("a@bad", routes) }
        #expect(throws: CaptureRouting.Refusal.notAllowed) { try place("a@good", routes, allowed: ["b@*"]) }
        #expect(throws: Never.self) { try place("b@good", routes, allowed: ["b@*"]) }
    }

    @Test("stars match as little as they can, and the ends are ends")
    func stars() throws {
        let routes = [CaptureRoute(recipient: "a*b*c", account: "{1}", mailbox: "{2}")]
        #expect(try place("axbybc", routes) == "x:yb unknown")
        #expect(throws: CaptureRouting.Refusal.self) { try place("axbyc2", routes) }
        #expect(throws: CaptureRouting.Refusal.self) { try place("abc", routes) }
        #expect(throws: CaptureRouting.Refusal.self) { try place("ac", routes) }
        let overlapping = [CaptureRoute(recipient: "ab*ba", account: "x")]
        #expect(throws: CaptureRouting.Refusal.self) { try place("aba", overlapping) }
        #expect(try place("abba", overlapping) == "x:INBOX unknown")
    }

    @Test("routes that can never work are refused at once")
    func wrong() {
        for route in [
            CaptureRoute(recipient: "", account: "x"), CaptureRoute(recipient: "*****", account: "x"),
            CaptureRoute(recipient: "*", account: ""), CaptureRoute(recipient: "*", account: "{2}"),
            CaptureRoute(recipient: "a", account: "x", mailbox: "{1}"),
            CaptureRoute(recipient: "*", account: "a\nb"),
        ] {
            #expect(throws: KitError.self, "\(route)") { try CaptureRouting([route], allowed: []) }
        }
        #expect(throws: KitError.self) { try CaptureRouting([], allowed: []) }
    }
}
