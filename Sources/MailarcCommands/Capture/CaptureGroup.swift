import ArgumentParser

/// Ways mail comes in without an account.
enum CaptureGroup {
    static let commands: [any ParsableCommand.Type] = [
        ReceiveCommand.self, DeliverCommand.self, WriterCommand.self, PostfixCommand.self, ImportCommand.self,
    ]
}
