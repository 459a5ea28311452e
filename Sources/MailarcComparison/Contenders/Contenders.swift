/// The visible list.
public enum Contenders {
    /// Everything that is run, in the order of the tables.
    ///
    /// - Parameter mailarc: path of the executable.
    public static func all(mailarc: String) -> [any Contender] {
        MailarcContender.Strategy.allCases.map { MailarcContender($0, program: mailarc) } + [
            DoveadmContender(.backup), DoveadmContender(.twoWay), DoveadmContender(.oneWay),
            DoveadmContender(.backup, .tcp), DoveadmContender(.oneWay, .tcp),
            ImapsyncContender(), ImapsyncContender(.useuid), ImapsyncContender(.usecache),
            ImapsyncContender(.nofoldersizes), MbsyncContender(), OfflineimapContender(), PostfixContender(),
            GetmailContender(), FetchmailContender(), MailarcArchive(program: mailarc),
        ]
    }

    /// What is told with its version and not run: it keeps files of any kind.
    public static let listed: [ListedTool] = [
        ListedTool("borg", "borg", ["--version"], "backs up files: size at rest only"),
        ListedTool("restic", "restic", ["version"], "backs up files: size at rest only"),
    ]
}

/// A tool that is only told of.
public struct ListedTool: Sendable {
    public var name: String
    public var version: Invocation
    public var note: String

    init(_ name: String, _ program: String, _ arguments: [String], _ note: String) {
        (self.name, version, self.note) = (name, Invocation(program, arguments), note)
    }
}
