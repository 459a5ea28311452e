import MailarcCommands

@main
struct MailarcMain {
    static func main() async {
        Memory.keepLittle()
        await Mailarc.run()
    }
}
