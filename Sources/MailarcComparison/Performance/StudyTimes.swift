/// The case study's times (2018): two servers on a local network of 1 Gbit/s, the whole repository.
enum StudyTimes {
    /// Contender, phase, seconds.
    static let all: [(contender: String, phase: String, seconds: Double)] = [
        ("doveadm-backup", "first", 200), ("doveadm-sync", "first", 210), ("doveadm-sync1", "first", 200),
        ("imapsync", "first", 2_160), ("doveadm-backup", "few", 3), ("doveadm-sync", "few", 3),
        ("doveadm-sync1", "few", 3), ("imapsync", "few", 324), ("imapsync-nofoldersizes", "few", 162),
        ("doveadm-backup", "cyrus", 498),
    ]

    /// The phase of the reference that a time is held against: how much slower another source is.
    static func referencePhase(_ phase: String) -> String { phase == "cyrus" ? "first" : phase }

    /// What the others are held against: seconds mean nothing on another machine.
    static let reference = "doveadm-backup"
}
