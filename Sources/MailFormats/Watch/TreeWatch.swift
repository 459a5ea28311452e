/// How changes of files are noticed.
public enum TreeWatchMethod: String, Sendable, Hashable, CaseIterable {
    /// The kernel tells of them; what it cannot see (another host's changes) is looked for now and then, too.
    case inotify
    /// Directories and files are looked at.
    case poll
}

/// Waits for changes of a Maildir tree, of mbox files, or of one file; reads names and file times only.
public struct TreeWatch: Sendable {
    /// What the tree is made of.
    public enum Kind: Sendable { case maildir, mbox, file }

    private let path: String
    private let root: [UInt8]
    private let kind: Kind
    private let interval: Duration
    private let method: TreeWatchMethod?

    /// LIMIT: from the first change of a burst to the word of it: a client that files many messages is one change.
    private static let settling = Duration.milliseconds(100)
    /// LIMIT: directories and files looked at; what is beyond is seen by the next sync that something else starts.
    private static let entryLimit = 200_000

    /// - Parameters:
    ///   - path: of the tree, or of one mbox file.
    ///   - interval: from one look at everything to the next.
    ///   - method: `nil`: the best there is.
    public init(path: String, kind: Kind, interval: Duration, method: TreeWatchMethod? = nil) {
        (self.path, root, self.kind, self.interval) = (path, Array(path.utf8), kind, interval)
        self.method = method
    }

    /// Watches until the task is cancelled.
    ///
    /// - Parameters:
    ///   - armed: called once, with the method: whatever changes from now on is told.
    ///   - changed: called for each change, perhaps several times for one.
    /// - Throws: `.notFound` when the tree is not there, or no longer.
    public func run(
        armed: @escaping @Sendable (TreeWatchMethod) -> Void, changed: @escaping @Sendable () -> Void
    ) async throws(FormatsError) {
        // One wake waits at the most: what it is about is kept by `inotify`.
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        var inotify = method == .poll ? nil : Inotify { wake.yield() }
        var seen = try look()
        if let all = inotify {
            if !arm(all, seen) { inotify = nil } else { seen = try look() }
        }
        armed(inotify == nil ? .poll : .inotify)
        let interval = interval
        let ticking = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                wake.yield()
            }
        }
        defer { ticking.cancel() }
        var lastLook = ContinuousClock.now
        // What was told since the last look is no news to it.
        var wasTold = false
        for await _ in wakes {
            if let inotify, inotify.hasNews {
                try? await Task.sleep(for: Self.settling)
                let news = inotify.take()
                if news.isMoved { _ = arm(inotify, try look()) }
                wasTold = true
                changed()
            }
            guard ContinuousClock.now - lastLook >= interval else { continue }
            let now = try look()
            if now != seen, !wasTold { changed() }
            if let inotify { _ = arm(inotify, now) }
            (seen, lastLook, wasTold) = (now, .now, false)
        }
    }

    // MARK: Looking

    /// A directory or a file of the tree.
    private struct Place: Hashable {
        let path: [UInt8]
        let isDirectory: Bool
        /// How it is, where that tells of mail; else `nil`.
        let status: FileStatus?
    }

    /// False where the system cannot watch all of it.
    private func arm(_ inotify: Inotify, _ places: Set<Place>) -> Bool {
        places.allSatisfy { place in
            guard place.isDirectory else { return true }
            switch kind {
            case .mbox, .file: return inotify.add(place.path, place.status == nil ? .files : .file(rootName))
            case .maildir: return inotify.add(place.path, place.status == nil ? .directories : .names)
            }
        }
    }

    private func look() throws(FormatsError) -> Set<Place> {
        guard let status = FileStatus.at(root) else {
            throw FormatsError(.notFound, "no such folder", path: path)
        }
        guard status.isDirectory else { return lookAtFile(status) }
        var places: Set<Place> = [Place(path: root, isDirectory: true, status: nil)]
        var walk = FolderWalk(root)
        while places.count < Self.entryLimit, let folder = walk.next() {
            for name in folder.names {
                let child = folder.path(of: name)
                guard isWanted(name), let status = FileStatus.at(child) else { continue }
                if status.isDirectory {
                    // The times of a directory tell of the names in it: of messages in `cur` and `new`.
                    let isOfMessages = kind == .maildir && [Array("cur".utf8), Array("new".utf8)].contains(name)
                    places.insert(Place(path: child, isDirectory: true, status: isOfMessages ? status : nil))
                    if !isOfMessages { walk.descend(into: name, of: folder) }
                } else if kind == .mbox {
                    places.insert(Place(path: child, isDirectory: false, status: status))
                }
            }
        }
        return places
    }

    /// One mbox file: its folder tells of it.
    private func lookAtFile(_ status: FileStatus) -> Set<Place> {
        let parent = root.lastIndex(of: 0x2F).map { $0 == 0 ? [0x2F] : Array(root[..<$0]) } ?? [0x2E]
        return [Place(path: parent, isDirectory: true, status: status)]
    }

    private var rootName: [UInt8] { root.lastIndex(of: 0x2F).map { Array(root[($0 + 1)...]) } ?? root }

    private func isWanted(_ name: [UInt8]) -> Bool {
        switch kind {
        case .maildir: !name.elementsEqual("tmp".utf8)
        case .mbox, .file: name.first != 0x2E && !MboxTree.isOthers(name)
        }
    }
}
