import MailarcCommands

@main
struct MailarcMain {
    static func main() async {
        await Mailarc.run()
    }
}
