import ArgumentParser

/// Ways mail comes in without an account.
enum CaptureGroup {
    static let commands: [any ParsableCommand.Type] = [ImportCommand.self]
}
