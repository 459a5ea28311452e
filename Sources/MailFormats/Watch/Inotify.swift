import Dispatch
import Glibc
import Synchronization

/// What the kernel tells of directories: inotify(7).
///
/// Reads as soon as there is something, keeps what matters of it, and calls `wake`.
final class Inotify: @unchecked Sendable {
    // SAFETY: everything is Sendable but `source`, which is only made, and cancelled at the end.
    /// Which of a directory's changes matter.
    enum Interest: Sendable {
        /// Every name in it: the messages of a Maildir.
        case names
        /// Directories in it, made, renamed or gone: where mailboxes are.
        case directories
        /// Both, and what is written to files, except those of other programs: a folder of mbox files.
        case files
        /// The file of this name alone.
        case file([UInt8])
    }

    /// What was told since it was asked last.
    struct News: Sendable {
        /// Mail may be different.
        var isChanged = false
        /// Directories may be different: they are walked again.
        var isMoved = false
    }

    private struct State: Sendable {
        var interests: [Int32: Interest] = [:]
        var news = News()
    }

    private let descriptor: Int32
    private let source: any DispatchSourceRead
    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    // Of an anonymous enumeration and macros in <sys/inotify.h>.
    private static let cloexec: Int32 = 0o2_000_000
    private static let nonblock: Int32 = 0o4_000
    private static let modify: UInt32 = 0x2
    private static let closeWrite: UInt32 = 0x8
    private static let movedFrom: UInt32 = 0x40
    private static let movedTo: UInt32 = 0x80
    private static let create: UInt32 = 0x100
    private static let delete: UInt32 = 0x200
    private static let deleteSelf: UInt32 = 0x400
    private static let moveSelf: UInt32 = 0x800
    private static let overflow: UInt32 = 0x4000
    private static let ignored: UInt32 = 0x8000
    private static let onlyDirectories: UInt32 = 0x100_0000
    private static let isDirectory: UInt32 = 0x4000_0000

    /// `nil` where the system has none to give: none at all, or the user's are used up.
    init?(wake: @escaping @Sendable () -> Void) {
        let descriptor = inotify_init1(Self.cloexec | Self.nonblock)
        guard descriptor >= 0 else { return nil }
        (self.descriptor, self.wake) = (descriptor, wake)
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler { [weak self] in self?.read() }
        source.setCancelHandler { _ = close(descriptor) }
        source.resume()
    }

    /// The descriptor is closed as soon as nothing reads it.
    deinit { source.cancel() }

    /// Has changes of the directory at `path` told; false where the system watches no more of them.
    ///
    /// One that is gone is no failure: who made it go is told of by its parent.
    func add(_ path: [UInt8], _ interest: Interest) -> Bool {
        let names = Self.movedFrom | Self.movedTo | Self.create | Self.delete | Self.deleteSelf | Self.moveSelf
        let mask =
            switch interest {
            case .directories: names | Self.onlyDirectories
            case .names: names | Self.closeWrite | Self.onlyDirectories
            case .files, .file: names | Self.closeWrite | Self.modify | Self.onlyDirectories
            }
        let text = path.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated and lives through the call.
        return state.withLock { state in
            // Under the lock, so that no event is read before its directory is known.
            let number = unsafe text.withUnsafeBufferPointer {
                unsafe $0.baseAddress.map { unsafe inotify_add_watch(descriptor, $0, mask) } ?? -1
            }
            guard number >= 0 else { return errno != ENOSPC && errno != ENOMEM }
            state.interests[number] = interest
            return true
        }
    }

    /// Something was told since ``take()``.
    var hasNews: Bool { state.withLock { $0.news.isChanged } }

    /// What was told since the last call.
    func take() -> News {
        state.withLock { state in
            defer { state.news = News() }
            return state.news
        }
    }

    private func read() {
        // LIMIT: octets read at once; the kernel gives whole events.
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let isNews = state.withLock { state in
            var isNews = false
            while true {
                // SAFETY: read writes no more than the buffer holds.
                let count = unsafe buffer.withUnsafeMutableBytes {
                    unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return isNews }
                isNews = Self.hear(buffer[..<count], &state) || isNews
            }
        }
        if isNews { wake() }
    }

    /// True when any of the events in `octets` matters.
    private static func hear(_ octets: ArraySlice<UInt8>, _ state: inout State) -> Bool {
        var (rest, isNews) = (octets, false)
        while rest.count >= 16 {
            func word(_ index: Int) -> UInt32 {
                let start = rest.startIndex + 4 * index
                return rest[start..<(start + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            }
            let (number, mask, count) = (Int32(bitPattern: word(0)), word(1), Int(word(3)))
            let name = rest.dropFirst(16).prefix(count).prefix { $0 != 0 }
            rest = rest.dropFirst(16 + count)
            if mask & ignored != 0 {
                state.interests[number] = nil
                continue
            }
            if mask & (overflow | deleteSelf | moveSelf) != 0 {
                (state.news.isChanged, state.news.isMoved, isNews) = (true, true, true)
                continue
            }
            guard let interest = state.interests[number], matters(name, mask, interest) else { continue }
            state.news.isChanged = true
            if mask & isDirectory != 0 { state.news.isMoved = true }
            isNews = true
        }
        return isNews
    }

    private static func matters(_ name: ArraySlice<UInt8>, _ mask: UInt32, _ interest: Interest) -> Bool {
        switch interest {
        case .names: true
        case .directories: mask & isDirectory != 0 && !name.elementsEqual("tmp".utf8)
        case .files: name.first != 0x2E && (mask & isDirectory != 0 || !MboxTree.isOthers(Array(name)))
        case .file(let own): name.elementsEqual(own)
        }
    }
}
