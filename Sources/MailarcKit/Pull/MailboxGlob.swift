/// Names of mailboxes as people select them.
package enum MailboxGlob {
    /// Whether `name` is what `pattern` says, `*` standing for any characters; linear in both.
    package static func matches(_ name: String, _ pattern: String) -> Bool {
        let (name, pattern) = (Array(name), Array(pattern))
        var (position, place) = (0, 0)
        var restart: (position: Int, place: Int)?
        while position < name.count {
            if place < pattern.count, pattern[place] == "*" {
                restart = (position, place + 1)
                place += 1
            } else if place < pattern.count, pattern[place] == name[position] {
                (position, place) = (position + 1, place + 1)
            } else if let (start, next) = restart {
                restart = (start + 1, next)
                (position, place) = (start + 1, next)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
