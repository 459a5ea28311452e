extension PairPolicy {
    /// Equal for equal policies and for no others: by it the next run knows whether it goes by another.
    ///
    /// Spelt out: to have the language describe a value of so many types takes longer than to look at a mailbox.
    package var mark: String {
        let grace: Int64 = if case .copyAfter(let seconds) = newInA { seconds } else { -1 }
        let values: [Int] = [
            writesA ? 1 : 0, newInB.rawValue, goneInA.rawValue, goneInB.rawValue, flags.rawValue, deletedFlag.rawValue,
            folders.createsInB ? 1 : 0, folders.newInB.rawValue, folders.goneInA.rawValue, folders.goneInB.rawValue,
            folders.renamedInA.rawValue, folders.renamedInB.rawValue, moves.inA.rawValue, moves.inB.rawValue,
            adoption.rawValue, adoptsAnywhere ? 1 : 0, filesAsSource ? 1 : 0, duplicates.rawValue, keepsChanged ? 1 : 0,
            massDeletePercent ?? -1, late.rawValue,
        ]
        return "\(grace) " + values.map { String($0) }.joined(separator: " ")
    }
}
