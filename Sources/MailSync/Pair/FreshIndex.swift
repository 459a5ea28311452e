internal import MailCore

/// LIMIT: what deliveries add to a header; more than this is not looked into for being the same message.
let traceAllowance = 16 << 10

/// Whether messages of these announced sizes may be the same.
func isPlausible(_ left: Int?, _ right: Int?) -> Bool {
    guard let left, let right else { return true }
    return abs(left - right) <= traceAllowance
}

/// The fresh messages of one side by what they can be known by; each list in plan order.
struct FreshIndex {
    var byContent: [ContentMark: [Int]] = [:]
    var byObjectID: [String: [Int]] = [:]

    init(_ fresh: [FreshMessage], _ side: PairSide) {
        for (position, message) in fresh.enumerated() where message.side == side {
            if let content = message.content { byContent[content.canonical, default: []].append(position) }
            if let id = message.summary.objectID { byObjectID[id, default: []].append(position) }
        }
    }
}
