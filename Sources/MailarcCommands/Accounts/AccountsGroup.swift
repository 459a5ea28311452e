import ArgumentParser

/// Commands on mail accounts.
enum AccountsGroup {
    static let commands: [any ParsableCommand.Type] = [
        AccountCommand.self, PullCommand.self, WatchCommand.self, ReconcileCommand.self,
    ]
}
