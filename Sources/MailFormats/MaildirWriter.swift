import Glibc
public import MailCore

/// Writes messages into a Maildir++ tree, each whole or not at all.
///
/// A message is written to `tmp`, synced, renamed into `cur` with its flags, and the directory is synced; with
/// ``Durability/atFinish`` all syncs wait for ``finish()``.
public final class MaildirWriter {
    private struct Mailbox { var keywords: [String] }
    private let root: Descriptor
    private let host: [UInt8]
    private let processID: Int32
    private let durability: Durability
    private var counter = 0
    /// Directories with messages that ``finish()`` makes durable.
    private var written: Set<String> = []
    private var mailboxes: [[UInt8]: Mailbox] = [:]
    /// Mailboxes whose `tmp` was looked through.
    private var cleaned: Set<[UInt8]> = []

    /// Makes the Maildir at `path` if there is none; its parent must exist.
    ///
    /// - Parameters:
    ///   - host: part of each file's name; `/` and `:` in it are replaced.
    ///   - processID: part of each file's name.
    public init(
        path: String, host: String, processID: Int32, durability: Durability = .eachMessage
    ) throws(FormatsError) {
        self.durability = durability
        let octets = Array(path.utf8)
        if FileStatus.at(octets) == nil {
            let slash = octets.lastIndex(of: 0x2F)
            let parent = slash.map { $0 == 0 ? [0x2F] : Array(octets[..<$0]) } ?? [0x2E]
            let name = slash.map { Array(octets[($0 + 1)...]) } ?? octets
            try Descriptor.openDirectory(parent).makeDirectory(name)
        }
        root = try Descriptor.openDirectory(octets)
        self.host = host.utf8.map { $0 == 0x2F || $0 == 0x3A || $0 < 0x21 || $0 == 0x2C ? 0x5F : $0 }
        self.processID = processID
        try Self.makeMaildir(root)
    }

    /// Writes the message whose octets `next` gives, piece after piece until `nil`; returns the base name.
    ///
    /// - Parameter now: seconds since 1970, part of the name; the file's time is `internalDate`, or this.
    public func append(
        to mailbox: MailboxName, flags: FlagSet, internalDate: InternalDate?, now: Int64,
        _ next: () throws(FormatsError) -> [UInt8]?
    ) throws(FormatsError) -> [UInt8] {
        let staged = try stage(for: mailbox, flags: flags, internalDate: internalDate, now: now, next)
        // ORDER: the octets are safe before the name says they are.
        if durability == .eachMessage { try staged.sync() }
        return try publish(staged)
    }

    /// A message in `tmp`, with all it needs to become one of its mailbox.
    struct Staged {
        var file: StagedFile
        var flags: FlagSet
        var path: [UInt8] { file.path }

        func sync() throws(FormatsError) { try Descriptor.openForReading(path).sync() }
    }

    /// A new file in the `tmp` of `mailbox`.
    func makeFile(for mailbox: MailboxName, now: Int64) throws(FormatsError) -> StagedFile {
        let temporary = try open(mailbox).openDirectory(Array("tmp".utf8))
        if cleaned.insert(mailbox.octets).inserted { removeLeftovers(in: temporary, now) }
        return try StagedFile(nextBase(now), for: mailbox, in: temporary)
    }

    /// LIMIT: what is older in a `tmp` nobody writes any more. maildir(5)
    private static let leftoverSeconds: Int64 = 36 * 3_600

    /// Removes what a writer of ours that was killed left.
    private func removeLeftovers(in temporary: borrowing Descriptor, _ now: Int64) {
        for name in (try? Directory.names(temporary.path)) ?? [] where isOwn(name) {
            guard let status = FileStatus.at(temporary.path + [0x2F] + name), status.isRegular,
                status.changed / 1_000_000_000 < now - Self.leftoverSeconds
            else { continue }
            temporary.remove(name)
        }
    }

    /// Whether a name is one of ``nextBase(_:)``, of any process on this host.
    private func isOwn(_ name: [UInt8]) -> Bool {
        let parts = name.split(separator: 0x2E, maxSplits: 2)
        return parts.count == 3 && parts[1].first == UInt8(ascii: "P") && parts[1].contains(UInt8(ascii: "Q"))
            && parts[2].elementsEqual(host)
    }

    /// Writes a message to `tmp`; ``publish(_:)`` makes it a message of the mailbox.
    func stage(
        for mailbox: MailboxName, flags: FlagSet, internalDate: InternalDate?, now: Int64,
        _ next: () throws(FormatsError) -> [UInt8]?
    ) throws(FormatsError) -> Staged {
        let file = try makeFile(for: mailbox, now: now)
        while let octets = try next() { try file.write(octets) }
        file.finish()
        return try stage(file, flags: flags, internalDate: internalDate, now: now)
    }

    /// The same for a file of ``makeFile(for:now:)`` that has its octets.
    func stage(
        _ file: StagedFile, flags: FlagSet, internalDate: InternalDate?, now: Int64
    ) throws(FormatsError) -> Staged {
        try file.close(modified: internalDate?.secondsSinceEpoch ?? now)
        return Staged(file: file, flags: flags)
    }

    /// Gives a staged message its name in `cur`; the base name it has there.
    func publish(_ staged: Staged) throws(FormatsError) -> [UInt8] {
        let file = staged.file
        let directory = try open(file.mailbox)
        let temporary = try directory.openDirectory(Array("tmp".utf8))
        let current = try directory.openDirectory(Array("cur".utf8))
        let letters = try letters(of: staged.flags, in: file.mailbox)
        let name = MaildirFileName(base: file.base + Array(",S=\(file.octetCount)".utf8), letters: letters)
        try temporary.move(file.base, to: current, name.octets, replaces: false)
        file.isPublished = true
        if durability == .eachMessage {
            try current.sync()
        } else {
            written.insert(String(decoding: current.path, as: UTF8.self))
        }
        return name.base
    }

    /// A base name no file has.
    func nextBase(_ now: Int64) -> [UInt8] {
        counter += 1
        return Array("\(now).P\(processID)Q\(counter).".utf8) + host
    }

    /// The letters that `flags` have in `mailbox`; keywords without one get one.
    func letters(of flags: FlagSet, in mailbox: MailboxName) throws(FormatsError) -> [UInt8] {
        let directory = try open(mailbox)
        var known = mailboxes[mailbox.octets]?.keywords ?? []
        let before = known.count
        let letters = MaildirFileName.letters(flags, keywords: &known)
        // ORDER: a letter has its meaning before a file uses it.
        if known.count > before { try write(keywords: known, in: directory) }
        mailboxes[mailbox.octets] = Mailbox(keywords: known)
        return letters
    }

    /// Forgets what is known of the keywords of all mailboxes: others may write here, too.
    func forgetKeywords() { mailboxes = [:] }

    /// Writes a whole message; see ``append(to:flags:internalDate:now:_:)``.
    public func append(
        _ octets: [UInt8], to mailbox: MailboxName, flags: FlagSet, internalDate: InternalDate?, now: Int64
    ) throws(FormatsError) -> [UInt8] {
        var rest: [UInt8]? = octets
        return try append(to: mailbox, flags: flags, internalDate: internalDate, now: now) { () throws(FormatsError) in
            defer { rest = nil }
            return rest
        }
    }

    /// Makes everything durable; messages are safe before this only with ``Durability/eachMessage``.
    public func finish() throws(FormatsError) {
        if durability == .atFinish { try Durability.settle(written) }
        written = []
    }

    /// Makes `mailbox` if it is not there, without a message.
    public func create(_ mailbox: MailboxName) throws(FormatsError) { _ = try open(mailbox) }

    private func open(_ mailbox: MailboxName) throws(FormatsError) -> Descriptor {
        guard !mailbox.isInbox else {
            load(mailbox, root)
            return try Descriptor.openDirectory(root.path)
        }
        let name = mailbox.octets
        guard !name.isEmpty else { throw FormatsError(.invalidName, "a mailbox without a name", path: "") }
        let folder = MaildirFolderName.encode(name, delimiter: mailbox.delimiter)
        let directoryName = [0x2E] + folder.octets
        if mailboxes[name] != nil { return try root.openDirectory(directoryName) }
        try root.makeDirectory(directoryName)
        let directory = try root.openDirectory(directoryName)
        try Self.makeMaildir(directory)
        if folder.isShortened { try Self.replace(MaildirFolderName.longNameFile, name, in: directory) }
        let mark = Array("maildirfolder".utf8)
        if FileStatus.at(directory.path + [0x2F] + mark) == nil {
            // ORDER: a mailbox that has the mark has a durable name.
            try root.sync()
            try Self.touch(mark, in: directory)
        }
        load(mailbox, directory)
        return directory
    }

    /// Writes down the whole name of a mailbox whose directory's name does not tell it.
    func note(_ mailbox: MailboxName, isShortened: Bool, in directory: borrowing Descriptor) throws(FormatsError) {
        if isShortened {
            try Self.replace(MaildirFolderName.longNameFile, mailbox.octets, in: directory)
        } else {
            directory.remove(MaildirFolderName.longNameFile)
        }
    }

    private func load(_ mailbox: MailboxName, _ directory: borrowing Descriptor) {
        guard mailboxes[mailbox.octets] == nil else { return }
        let file = smallFile(directory.path + Array("/dovecot-keywords".utf8), limit: 1 << 20) ?? []
        let table = DovecotKeywords.parse(file)
        var keywords: [String] = []
        while let name = table[keywords.count] { keywords.append(name) }
        mailboxes[mailbox.octets] = Mailbox(keywords: keywords)
    }

    private func write(keywords: [String], in directory: borrowing Descriptor) throws(FormatsError) {
        let text = keywords.enumerated().map { "\($0.offset) \($0.element)\n" }.joined()
        try Self.replace(Array("dovecot-keywords".utf8), Array(text.utf8), in: directory)
    }

    private static func makeMaildir(_ directory: borrowing Descriptor) throws(FormatsError) {
        for name in ["cur", "new", "tmp"] { try directory.makeDirectory(Array(name.utf8)) }
    }

    private static func touch(_ name: [UInt8], in directory: borrowing Descriptor) throws(FormatsError) {
        _ = try directory.openFile(name, O_WRONLY | O_CREAT)
    }

    /// Writes a small file beside the old one and puts it in its place.
    private static func replace(
        _ name: [UInt8], _ octets: [UInt8], in directory: borrowing Descriptor
    ) throws(FormatsError) {
        let temporary = name + Array(".new".utf8)
        directory.remove(temporary)
        let file = try directory.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
        try file.write(octets)
        try file.sync()
        try directory.move(temporary, to: directory, name, replaces: true)
        try directory.sync()
    }
}
