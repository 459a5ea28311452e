import MailCore

/// Finds the messages in the members of a source.
final class MemberScan {
    /// Into which mailboxes messages go.
    enum Sorting: Sendable {
        /// As their files lie.
        case folders
        /// As the labels in them say, which only mbox files have.
        case labels
    }

    private(set) var listing = MemberListing()
    private let sorting: Sorting
    /// LIMIT: octets of a message that tell it from another of the same name and length.
    private static let headLimit = 4_096

    init(_ sorting: Sorting) { self.sorting = sorting }

    /// Everything in `source`; where it breaks off, what was found before.
    static func listing(of source: some MemberSource, _ sorting: Sorting) -> MemberListing {
        let scan = MemberScan(sorting)
        scan.listing.findings.otherFileCount = 0
        do throws(FormatsError) {
            try source.members { (member, window) throws(FormatsError) in try scan.visit(member, window) }
        } catch {
            scan.listing.isComplete = false
            scan.listing.findings.problems.append(error.path.isEmpty ? error.message : error.description)
            scan.loseLast(error)
        }
        return scan.listing
    }

    private var last: (member: Member, isMbox: Bool)?

    private func visit(
        _ member: Member, _ window: () throws(FormatsError) -> OctetWindow
    ) throws(FormatsError) {
        last = nil
        let parts = MemberName.components(member.name)
        // QUIRK: zip archives of macOS have a file `__MACOSX/…/._name` beside many others, with what a file has besides
        // octets there.
        let isForked = parts.first == Array("__MACOSX".utf8) || parts.last?.starts(with: [0x2E, 0x5F]) == true
        if !isForked, sorting == .folders, let single = SingleMessage(parts) {
            return try add(single, member, window)
        }
        switch isForked ? .no : startsAsMbox(member, window) {
        case .yes(let window): addMbox(member, window)
        case .no: listing.findings.otherFileCount = (listing.findings.otherFileCount ?? 0) + 1
        case .broken(let problem): refuse(member, problem)
        }
    }

    /// - Throws: what keeps it from being read; it is counted all the same.
    private func add(
        _ single: SingleMessage, _ member: Member, _ window: () throws(FormatsError) -> OctetWindow
    ) throws(FormatsError) {
        let number = listing.begin(member, isMbox: false)
        var item = MemberItem(
            member: number, octetCount: member.octetCount, offset: member.offset, flags: single.flags,
            date: member.modified, problem: member.problem)
        let mailbox = [MailboxListing(name: single.mailbox)]
        do throws(FormatsError) {
            listing.add(item, to: mailbox, identity: try identity(member, window))
        } catch {
            item.problem = error.message
            listing.add(item, to: mailbox, identity: 0)
            throw error
        }
        last = (member, false)
    }

    /// What tells a message that is a member of its own from others.
    private func identity(
        _ member: Member, _ window: () throws(FormatsError) -> OctetWindow
    ) throws(FormatsError) -> UInt64 {
        if let identity = member.identity { return identity }
        guard member.problem == nil else { return 0 }
        let octets = try window().read(min(member.octetCount, Self.headLimit), at: member.offset)
        return SyntheticUID.hash(octets)
    }

    private enum Start {
        case yes(OctetWindow)
        case no
        case broken(String)
    }

    private func startsAsMbox(_ member: Member, _ window: () throws(FormatsError) -> OctetWindow) -> Start {
        let isNamedSo = member.name.hasSuffix(".mbox") || member.name.hasSuffix(".mbx")
        if let problem = member.problem { return isNamedSo ? .broken(problem) : .no }
        guard member.octetCount >= 5 else { return .no }
        do throws(FormatsError) {
            let window = try window()
            let isMbox = try window.read(5, at: member.offset).elementsEqual("From ".utf8)
            return isMbox ? .yes(window) : .no
        } catch {
            return isNamedSo ? .broken(error.message) : .no
        }
    }

    private func addMbox(_ member: Member, _ window: OctetWindow) {
        let name = mailbox(member)
        let number = listing.begin(member, isMbox: true)
        let slice = WindowSlice(window: window, start: member.offset, count: member.octetCount)
        let sorting = sorting
        var scan = MboxScan(slice) { message in
            let entry = message.entry
            let labels = sorting == .labels ? GmailLabels(header: message.header) : nil
            let flags = FlagSet(entry.flags.flags + (labels?.flags.flags ?? []))
            let item = MemberItem(
                member: number, octetCount: entry.range.count, offset: member.offset + entry.range.lowerBound,
                flags: flags, date: entry.date, isQuoted: entry.isQuoted)
            self.listing.add(
                item, to: labels?.mailboxes ?? [MailboxListing(name: name)], identity: message.headerHash)
        }
        do throws(FormatsError) { try scan.run() } catch {
            listing.findings.problems.append("\(String(decoding: member.name, as: UTF8.self)): \(error.message)")
            lose(member, number, "the rest of the mbox: \(error.message)")
        }
        listing.findings.dialects[name] = scan.signs.dialect
    }

    /// QUIRK: Thunderbird keeps the mailboxes below `Inbox` in `Inbox.sbd`.
    private func mailbox(_ member: Member) -> MailboxName {
        MemberName.mailbox(
            MemberName.components(member.name).map { $0.hasSuffix(".sbd") ? Array($0.dropLast(4)) : $0 })
    }

    private func refuse(_ member: Member, _ problem: String) {
        listing.findings.problems.append("\(String(decoding: member.name, as: UTF8.self)): \(problem)")
        lose(member, listing.begin(member, isMbox: true), problem)
    }

    /// One item for what cannot be told apart any more, so that it is counted.
    private func lose(_ member: Member, _ number: Int32, _ problem: String) {
        let item = MemberItem(
            member: number, octetCount: 0, offset: member.offset, flags: [], date: nil, problem: problem)
        let lost = sorting == .labels ? GmailLabels(header: []).mailboxes : [MailboxListing(name: mailbox(member))]
        listing.add(item, to: lost, identity: 0)
    }

    /// The source broke off in the octets of the message found last.
    private func loseLast(_ error: FormatsError) {
        guard let last, !last.isMbox else { return }
        listing.spoilLast(error.message)
    }
}

/// A member that is one message: `.eml`, or a file of a Maildir.
private struct SingleMessage {
    var mailbox: MailboxName
    var flags: FlagSet = []

    init?(_ parts: [[UInt8]]) {
        guard let name = parts.last else { return nil }
        if name.count > 4, name.hasSuffix(".eml") {
            mailbox = MemberName.mailbox(parts.dropLast())
            return
        }
        let folder = parts.dropLast().last
        guard folder == Array("cur".utf8) || folder == Array("new".utf8), name.first != 0x2E else { return nil }
        flags = MaildirFileName(parsing: name).flags(keywords: [:])
        // A folder of Maildir++ begins with a dot and has dots between components.
        mailbox = MemberName.mailbox(
            parts.dropLast(2).map { part in
                guard part.first == 0x2E else { return part }
                return MaildirFolderName.decode(Array(part.dropFirst())).map { $0 == 0x2E ? 0x2F : $0 }
            })
    }
}
