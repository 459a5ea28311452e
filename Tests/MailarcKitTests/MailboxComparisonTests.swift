import ArchiveCatalog
import MailCore
import MailIMAP
import MailarcKit
import Testing

private func census(_ validity: UIDValidity, _ next: UID?, _ uids: UIDSet, isComplete: Bool) -> MailboxCensus {
    MailboxCensus(
        status: MailboxStatus(uidValidity: validity, uidNext: next, messageCount: uids.count, highestModSeq: nil),
        uids: uids, isComplete: isComplete)
}

@Suite("server against archive, as sets of UIDs")
struct MailboxComparisonTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var server: ClosedRange<UInt32> = 1...10
        var isComplete = true
        var present: [ClosedRange<UInt32>] = [1...10]
        var lost: [ClosedRange<UInt32>] = []
        var gone: [ClosedRange<UInt32>] = []
        var erased: [ClosedRange<UInt32>] = []
        var quarantined: [UInt32] = []
        var elsewhere = 0
        var lastUIDNext: UInt32?
        var former: UInt32 = 7
        /// Reason and UIDs.
        let expected: [String]
    }

    static let cases = [
        Case(testDescription: "equal", expected: []),
        Case(testDescription: "a hole", present: [1...4, 6...10], expected: ["not-archived 5"]),
        Case(testDescription: "new, by the highest known", present: [1...8], expected: ["new-since-pull 9:10"]),
        Case(
            testDescription: "the last pull went past it", present: [1...8], lastUIDNext: 10,
            expected: ["new-since-pull 10", "not-archived 9"]),
        Case(
            testDescription: "a pull that was cut short", present: [1...4, 8...8], lastUIDNext: 5,
            expected: ["new-since-pull 5:7,9:10"]),
        Case(
            testDescription: "recorded as gone, there again", present: [1...9], gone: [10...10],
            expected: ["back-on-server 10"]),
        Case(testDescription: "gone", present: [1...12], expected: ["gone-on-server 11:12"]),
        Case(
            testDescription: "nothing is gone by a listing with holes", isComplete: false, present: [1...12],
            expected: ["not-looked-at "]),
        Case(testDescription: "lost", present: [1...9], lost: [10...10], expected: ["lost-here 10"]),
        Case(
            testDescription: "erased and quarantined", present: [3...10], erased: [1...1], quarantined: [2],
            expected: ["quarantined 2", "erased-here 1"]),
        Case(
            testDescription: "another UIDVALIDITY", present: [], elsewhere: 4, former: 6,
            expected: ["uidvalidity-changed 1:10", "former-uidvalidity "]),
    ]

    @Test("each difference has its reason, and every message of the server is counted once", arguments: cases)
    func reasons(_ item: Case) throws {
        var archived = ArchivedUIDs()
        (archived.present, archived.lost) = (UIDSet(ranges: item.present), UIDSet(ranges: item.lost))
        (archived.gone, archived.elsewhereCount) = (UIDSet(ranges: item.gone), item.elsewhere)
        var known = MailboxComparison.Known(archived: archived, uidValidity: UIDValidity(item.former))
        known.erased = UIDSet(ranges: item.erased)
        known.lastUIDNext = item.lastUIDNext.flatMap { UID($0) }
        for uid in item.quarantined.compactMap({ UID($0) }) { known.quarantine[uid] = Refusal(.garbled) }
        let listing = census(
            UIDValidity(7), UID(100), UIDSet(ranges: [item.server]),
            isComplete: item.isComplete)
        let comparison = MailboxComparison("INBOX", server: listing, known: known)
        #expect(comparison.differences.map { "\($0.reason.rawValue) \($0.uids)" } == item.expected)
        let row = comparison.row
        #expect(row.server == row.matched + row.explained + row.pending + row.unaccounted)
    }

    @Test("what was archived after the listing was made is not gone")
    func meanwhile() throws {
        var archived = ArchivedUIDs()
        archived.present = UIDSet(ranges: [1...12])
        let listing = census(UIDValidity(7), UID(11), UIDSet(ranges: [1...9]), isComplete: true)
        let comparison = MailboxComparison(
            "INBOX", server: listing, known: .init(archived: archived, uidValidity: UIDValidity(7)))
        #expect(comparison.differences.map(\.uids) == ["10"])
    }

    @Test("every reason has a standing and an explanation")
    func reasonsAreTold() {
        for reason in DifferenceReason.allCases { #expect(!reason.explanation.isEmpty) }
        #expect(Set(DifferenceReason.allCases.map(\.standing)) == Set(DifferenceStanding.allCases))
    }
}
