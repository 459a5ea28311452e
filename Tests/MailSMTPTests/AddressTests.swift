import MailSMTP
import Testing

@Suite struct AddressTests {
    @Test(
        "networks hold their addresses",
        arguments: [
            ("127.0.0.0/8", "127.9.9.9", true), ("127.0.0.0/8", "128.0.0.1", false), ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false), ("192.0.2.64/26", "192.0.2.127", true),
            ("192.0.2.64/26", "192.0.2.128", false), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true), ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("fe80::/10", "fe80::1%eth0", true), ("::/0", "nonsense", false),
        ])
    func networks(_ network: String, _ address: String, _ isIn: Bool) throws {
        #expect(try ClientNetwork(parsing: network).contains(address) == isIn)
    }

    @Test(
        "what is no network is refused",
        arguments: ["", "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8", "::1/64", "1.2.3.4/8/8", "localhost"])
    func noNetworks(_ text: String) { #expect(throws: SMTPError.self) { try ClientNetwork(parsing: text) } }

    @Test("addresses to listen at")
    func addresses() throws {
        #expect(try ListenAddress(parsing: "unix:/run/x") == .unix("/run/x"))
        #expect(try ListenAddress(parsing: "127.0.0.1:24") == .tcp(host: "127.0.0.1", port: 24))
        #expect(try ListenAddress(parsing: "[::1]:24") == .tcp(host: "::1", port: 24))
        #expect(try ListenAddress(parsing: "[::1]:24").description == "[::1]:24")
        for text in ["", "unix:", "unix:run", "24", "localhost:24", "127.0.0.1", "127.0.0.1:70000", "::1"] {
            #expect(throws: SMTPError.self, "\(text)") { try ListenAddress(parsing: text) }
        }
        #expect(throws: SMTPError.self) { try ListenAddress(parsing: "unix:/" + String(repeating: "x", count: 107)) }
    }
}
