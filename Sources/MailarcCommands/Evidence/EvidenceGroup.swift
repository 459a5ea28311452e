import ArgumentParser

/// Commands whose deeds stand in the ledger for others to see.
enum EvidenceGroup {
    static let commands: [any ParsableCommand.Type] = [EraseCommand.self, ExpireCommand.self, RetainCommand.self]
}
