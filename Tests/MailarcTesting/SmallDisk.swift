/// A disk in memory that a test fills.
public struct SmallDisk: Sendable {
    /// Where it is mounted.
    public let folder: TestFolder

    /// Mounts a disk of `size` (`300k`, `3m`), hands it to `body`, and takes it away however that ends; where nothing can
    /// be mounted, prints "not run".
    public static func with(_ size: String, _ body: (SmallDisk) async throws -> Void) async throws {
        let disk = SmallDisk(folder: try TestFolder("disk"))
        defer { disk.folder.remove() }
        let mount = ProcessCommand("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", disk.folder.path])
        guard let mounted = try? await mount.run(), mounted.isSuccess else {
            print("not run: a small tmpfs cannot be mounted here")
            return
        }
        let unmount = ProcessCommand("umount", ["-l", disk.folder.path])
        do { try await body(disk) } catch {
            _ = try? await unmount.run()
            throw error
        }
        try await unmount.runSuccessfully()
    }

    /// Mounts it again with other `options` (`size=200m`, `ro`).
    public func remount(_ options: String) async throws {
        try await ProcessCommand("mount", ["-o", "remount,\(options)", folder.path]).runSuccessfully()
    }
}
