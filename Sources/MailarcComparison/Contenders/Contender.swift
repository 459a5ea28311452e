/// A strategy by a program: how it is found, configured and run. A value; whoever runs it is the harness.
///
/// One file each, and a line in ``Contenders/all(mailarc:)``.
public protocol Contender: Sendable {
    /// As `--contender` names it.
    var id: String { get }
    /// As tables show it.
    var name: String { get }
    var promise: Promise { get }
    /// The case study's column that it is, if any.
    var column: StudyColumn? { get }
    /// What must be on PATH.
    var programs: [String] { get }
    /// Prints its version.
    var versionCommand: Invocation { get }
    /// Why it cannot be run here although it is installed; `nil`: it can.
    var obstacle: String? { get }
    /// Mail comes through it: what is new in the source's INBOX is sent, and the runs have nothing to fetch.
    var isChannel: Bool { get }
    /// False where a scenario asks for what it does not know.
    func takesPart(in scenario: Scenario) -> Bool
    /// What is known of it and not measured.
    var facts: ContenderFacts { get }
    /// What it is configured by: name → text, each written for nobody else to read.
    func files(_ pair: Pair) -> [String: String]
    /// Lines a server's configuration has for it already, in this lab.
    var serverSettings: Int { get }
    /// One run.
    func invocation(_ pair: Pair) -> Invocation
    /// The parts of a comparison it takes part in.
    var parts: Set<ComparisonRequest.Part> { get }
    /// How it is run where speed is measured: into what it is mostly used with.
    func copying(_ pair: Pair) -> Copying
    /// It finds mailboxes below ``Pair/sourcePrefix`` where it copies, as Cyrus names them.
    var knowsPrefixes: Bool { get }
    /// How what ``copying(_:)`` made is put back into ``Pair/empty``; `nil`: not asked of it.
    func restoring(_ pair: Pair) -> Copying?
}

/// A run where speed is measured.
public struct Copying: Sendable {
    public var invocation: Invocation
    /// What it is configured by.
    public var files: [String: String] = [:]
    /// Run before, not measured.
    public var preparation: [Invocation] = []
    /// Where the copy is; of what is put back the bench knows it.
    public var destination: String
    /// Prints how many messages the copy has, as the number behind this word; `nil`: the destination is a Maildir.
    public var count: (invocation: Invocation, word: String)?

    public init(_ invocation: Invocation, files: [String: String] = [:], destination: String = "") {
        (self.invocation, self.files, self.destination) = (invocation, files, destination)
    }
}

extension Contender {
    public var isInstalled: Bool { programs.allSatisfy { Invocation.find($0) != nil } }

    /// It can be run, here and now.
    public var isRunnable: Bool { isInstalled && obstacle == nil }

    public var obstacle: String? { nil }
    public var isChannel: Bool { false }
    public func restoring(_ pair: Pair) -> Copying? { nil }
    public var knowsPrefixes: Bool { false }
    public func takesPart(in scenario: Scenario) -> Bool { true }
    public func files(_ pair: Pair) -> [String: String] { [:] }
    public var serverSettings: Int { 0 }
    public var parts: Set<ComparisonRequest.Part> { [.behaviour, .performance] }

    /// Into the archive's account.
    public func copying(_ pair: Pair) -> Copying {
        Copying(invocation(pair), files: files(pair), destination: pair.archiveMaildir)
    }
}

/// What is known of a contender without running it; each with where it is to be read.
public struct ContenderFacts: Sendable {
    /// What its documentation tells.
    public enum Documented: String, Sendable, Codable, CaseIterable {
        case manual = "a manual page or reference"
        case examples = "examples"
        case exitCodes = "every exit code"
        case events = "what becomes of each kind of change"
    }

    /// What it does for whoever must prove something.
    public enum Evidence: String, Sendable, Codable, CaseIterable {
        case history = "what left stays, with when"
        case tamperEvidence = "changes of the archive show"
        case erasure = "erasure of single messages on request, with a record"
        case encryption = "encrypted at rest"
    }

    /// Packages of Debian 12 that have to be installed, besides those of a mail server that is there.
    public var packages: [String]
    /// It is in the distribution itself.
    public var isPackaged: Bool
    public var documented: Set<Documented>
    public var evidence: Set<Evidence>
    /// Where all this is to be read.
    public var origin: String

    public init(
        packages: [String], isPackaged: Bool, documented: Set<Documented>, evidence: Set<Evidence> = [],
        origin: String
    ) {
        (self.packages, self.isPackaged, self.documented) = (packages, isPackaged, documented)
        (self.evidence, self.origin) = (evidence, origin)
    }
}

/// A column of the case study's tables.
public enum StudyColumn: String, Sendable, Codable, CaseIterable {
    case postfixBCC = "Postfix bcc"
    case doveadmBackup = "doveadm backup"
    case doveadmTwoWay = "doveadm 2-way sync"
    case doveadmOneWay = "doveadm 1-way sync"
    case imapsync
}
