import ArgumentParser

/// Strategies, run and rated.
enum CompareGroup {
    static let commands: [any ParsableCommand.Type] = [CompareCommand.self]
}
