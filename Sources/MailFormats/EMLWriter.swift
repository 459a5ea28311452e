import Glibc
public import MailCore

/// Writes one message a file into one directory; with ``Durability/atFinish`` the caller settles the directory.
public final class EMLWriter {
    private let directory: Descriptor
    private let durability: Durability

    /// `path` must be a directory.
    public init(path: String, durability: Durability = .eachMessage) throws(FormatsError) {
        directory = try Descriptor.openDirectory(Array(path.utf8))
        self.durability = durability
    }

    /// Writes `name` with `.eml` added; never outside the directory, never over a file that is there.
    ///
    /// - Throws: `.invalidName` for an empty name, one over 200 octets, one with `/`, NUL or a leading dot.
    public func write(
        _ name: String, internalDate: InternalDate?, _ next: () throws(FormatsError) -> [UInt8]?
    ) throws(FormatsError) {
        let octets = Array(name.utf8)
        guard !octets.isEmpty, octets.count <= 200, octets.first != 0x2E, !octets.contains(0x2F), !octets.contains(0)
        else {
            throw FormatsError(.invalidName, "no name for a file", path: name)
        }
        let temporary = [0x2E] + octets + Array(".tmp".utf8)
        directory.remove(temporary)
        let file = try directory.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
        do throws(FormatsError) {
            while let piece = try next() { try file.write(piece) }
            if let internalDate { try file.setModified(internalDate.secondsSinceEpoch) }
            if durability == .eachMessage { try file.sync() }
            try directory.move(temporary, to: directory, octets + Array(".eml".utf8), replaces: false)
            if durability == .eachMessage { try directory.sync() }
        } catch {
            directory.remove(temporary)
            throw error
        }
    }
}
