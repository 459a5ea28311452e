import MailCore
import Synchronization

/// Where a source of members was read last, so that what comes next is not looked for from the start.
///
/// SAFETY: used by one fetch at a time: ``MemberState`` gives it to one, and has it back afterwards.
final class MemberReader: @unchecked Sendable {
    private let source: any MemberSource
    private var stream: Int?
    private var cursor: OctetCursor?
    private static let piece = 1 << 16

    init(_ source: any MemberSource) { self.source = source }

    /// The octets of `item`, to be read before the next is asked for.
    ///
    /// - Throws: `.damaged` where its stream does not come to its place.
    func message(
        _ uid: UID, _ item: MemberItem, in member: MemberListing.Place, unquotes: Bool
    ) throws(FormatsError) -> FileMessage {
        let place = String(decoding: member.name, as: UTF8.self)
        do throws(FormatsError) { try seek(member.stream, item.offset) } catch { throw error.at(place) }
        var rest = item.octetCount
        var isChecked = !member.isWholeStream
        return FileMessage(uid: uid, count: rest, unquotes: unquotes) { () throws(FormatsError) in
            do throws(FormatsError) {
                if rest == 0 {
                    // The end of its stream shows whether the octets are what they should be.
                    if !isChecked, try self.cursor?.take(1) != nil { throw Self.damaged("it is longer than told") }
                    isChecked = true
                    return nil
                }
                guard let octets = try self.cursor?.take(min(rest, Self.piece)) else {
                    throw Self.damaged("it ends too early")
                }
                rest -= octets.count
                return Array(octets)
            } catch { throw error.at(place) }
        }
    }

    private func seek(_ stream: Int, _ offset: Int) throws(FormatsError) {
        if self.stream != stream || cursor.map({ $0.offset > offset }) ?? true {
            cursor = nil
            cursor = OctetCursor(try source.open(stream))
            self.stream = stream
        }
        guard try cursor?.advance(to: offset) == true else { throw Self.damaged("it ends too early") }
    }

    private static func damaged(_ message: String) -> FormatsError { FormatsError(.damaged, message, path: "") }
}

/// What a ``MemberStore`` knows once it was read.
final class MemberState: Sendable {
    private let listed = Mutex<MemberListing?>(nil)
    private let idle = Mutex<MemberReader?>(nil)

    /// The listing, made once.
    func listing(_ make: () -> MemberListing) -> MemberListing {
        listed.withLock { listed in
            let listing = listed ?? make()
            listed = listing
            return listing
        }
    }

    /// The reader of the fetch before, where nobody has it.
    func takeReader() -> MemberReader? {
        idle.withLock { idle in
            defer { idle = nil }
            return idle
        }
    }

    func putBack(_ reader: MemberReader) { idle.withLock { $0 = reader } }
}
