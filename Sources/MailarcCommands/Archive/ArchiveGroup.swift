import ArgumentParser

/// Commands on the archive as a whole.
enum ArchiveGroup {
    static let commands: [any ParsableCommand.Type] = [
        InitCommand.self, KeyCommand.self, AnchorCommand.self, StatsCommand.self, CheckCommand.self,
        RepairCommand.self,
        CompactCommand.self, BackupCommand.self,
        DictionaryCommand.self, RebuildCatalogCommand.self,
        VersionCommand.self,
    ]
}
