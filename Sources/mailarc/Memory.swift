import CMalloc

/// How the process keeps its memory.
enum Memory {
    /// Keeps the allocator to two arenas, and lets it give back what is freed.
    ///
    /// With an arena for each of a dozen threads, what is freed in one is no use to the others: a run over 200,000 small
    /// messages held a third more than it had in use. LIMIT: blocks of 1 MiB go back at once, free tails of 2 MiB.
    static func keepLittle() {
        _ = mallopt(M_ARENA_MAX, 2)
        _ = mallopt(M_MMAP_THRESHOLD, 1 << 20)
        _ = mallopt(M_TRIM_THRESHOLD, 2 << 20)
    }
}
