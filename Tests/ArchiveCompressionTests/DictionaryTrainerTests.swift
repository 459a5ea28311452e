import ArchiveCompression
import Testing

@Suite("Dictionaries of a site")
struct DictionaryTrainerTests {
    private func trained(_ messages: [(text: String, sender: UInt64)]) -> (text: String, trainer: DictionaryTrainer) {
        var trainer = DictionaryTrainer()
        for message in messages { trainer.survey([Array(message.text.utf8)], sender: message.sender) }
        for message in messages { trainer.collect([Array(message.text.utf8)]) }
        for message in messages { trainer.confirm([Array(message.text.utf8)], sender: message.sender) }
        let octets = trainer.dictionary(id: 2)?.octets.dropFirst(CompressionDictionary.builtIn.octets.count) ?? []
        return (String(decoding: octets, as: UTF8.self), trainer)
    }

    @Test("only lines of five messages by three senders get in, whole and in their order; none with an address")
    func threshold() {
        var messages: [(text: String, sender: UInt64)] = []
        for number in 0..<12 {
            var text = "Common line of everybody\r\nand the one behind it\r\nOnly number \(number) says this\r\n"
            if number < 4 { text += "The secret of four messages\r\n" }
            if number % 3 < 2 { text += "What two senders share\r\n" }
            if number < 5 { text += "Twice in one message\r\nTwice in one message\r\n" }
            text += "Write to jane.doe@example.org for more\r\nshort\r\n"
            messages.append((text, UInt64(number % 3)))
        }
        let (text, trainer) = trained(messages)
        #expect(text.contains("Common line of everybody\r\nand the one behind it\r\n"))
        #expect(text.contains("Twice in one message\r\n"))
        for hidden in ["secret", "two senders", "jane", "says this", "short"] { #expect(!text.contains(hidden)) }
        #expect(trainer.lineCount == 3)
    }

    @Test("what stands often in few messages stays out")
    func repetition() {
        let many = String(repeating: "Again and again the same\r\n", count: 50)
        let (text, _) = trained((0..<4).map { (many, UInt64($0)) })
        #expect(text.isEmpty)
    }

    @Test("it keeps its limit, the best lines last, and helps")
    func limits() throws {
        var messages: [(text: String, sender: UInt64)] = []
        for number in 0..<9 {
            let lines = (0..<9_000).map { "This is line number \($0) of a very long template\r\n" }
            messages.append((lines.joined() + (number < 5 ? "Not so usual a line\r\n" : ""), UInt64(number % 3)))
        }
        var trainer = DictionaryTrainer()
        for message in messages { trainer.survey([Array(message.text.utf8)], sender: message.sender) }
        for message in messages { trainer.collect([Array(message.text.utf8)]) }
        for message in messages { trainer.confirm([Array(message.text.utf8)], sender: message.sender) }
        let made = trainer.dictionary(id: 7)
        let dictionary = try #require(made)
        #expect(dictionary.octets.count > 90_000)
        #expect(dictionary.id == 7)
        #expect(dictionary.octets.count <= DictionaryTrainer.maximumOctetCount)
    }
}
