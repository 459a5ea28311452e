/// Lets one task at a time in, in the order they came.
actor Turn {
    private var isTaken = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// Returns when it is this task's turn; ``end()`` must follow.
    func begin() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    func end() {
        if waiters.isEmpty { isTaken = false } else { waiters.removeFirst().resume() }
    }
}
