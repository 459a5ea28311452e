/// How busy a lane is: what share of its time it waits for octets.
///
/// A lane that mostly waits has time to compress large parts better; where every core is busy they are compressed fast.
struct LaneLoad {
    /// LIMIT: what counts is the last seconds, not the whole run.
    private static let window: Duration = .seconds(2)
    /// The share of waiting from which time is to spare: a slow line, not a server that shares the processor.
    private static let idleShare = 0.85

    private var waited: Duration = .zero
    private var elapsed: Duration = .zero

    mutating func add(waited: Duration, elapsed: Duration) {
        self.waited += waited
        self.elapsed += elapsed
        if self.elapsed > Self.window {
            self.waited /= 2
            self.elapsed /= 2
        }
    }

    /// True once there is something to judge by.
    var isIdle: Bool { elapsed > .milliseconds(100) && waited / elapsed > Self.idleShare }
}
