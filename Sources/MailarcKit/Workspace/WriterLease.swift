import ArchiveStore
import Glibc

/// The writer's lock as commands share it: who takes deliveries holds it for seconds at the most, and is waited for.
struct WriterLease {
    /// Of a process that may hold the lock for as long as it takes.
    static let command = "mailarc"

    /// LIMIT: ten times what a delivery holds the lock for.
    private static let patience = Duration.seconds(30)
    /// Shorter than the pause between two holds (``CaptureQueue/Options/handover``).
    private static let interval = Duration.milliseconds(15)

    private let path: String
    /// Who takes deliveries itself says how long it waits.
    private let waits: Bool

    init(_ archive: Archive, command: String) {
        path = archive.path + "/lock"
        waits = command == Self.command
    }

    /// What `open` gives, as soon as nobody is in the way who will not be for long.
    ///
    /// - Throws: `.locked` at once where anybody else writes.
    func take<Value>(_ open: () throws(ArchiveError) -> Value) async throws(ArchiveError) -> Value {
        let end = ContinuousClock.now + Self.patience
        while true {
            do throws(ArchiveError) { return try open() } catch {
                guard error.kind == .locked, waits, ContinuousClock.now < end, isHeldForDeliveries,
                    (try? await Task.sleep(for: Self.interval)) != nil
                else { throw error }
            }
        }
    }

    /// By the text in the lock, which is for people; at worst a command says that the archive is busy.
    private var isHeldForDeliveries: Bool {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { _ = Glibc.close(descriptor) }
        var text = [UInt8](repeating: 0, count: 1_024)
        let count = unsafe Glibc.read(descriptor, &text, text.count)
        let lines = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        // Between lock and text of a new owner the file may be empty.
        return count == 0 || lines.contains("command mailarc receive") || lines.contains("command mailarc deliver")
    }
}
