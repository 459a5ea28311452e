import ArgumentParser

/// Commands between mail stores; no archive is needed.
enum SyncGroup {
    static let commands: [any ParsableCommand.Type] = [SyncCommand.self, CopyCommand.self]
}
