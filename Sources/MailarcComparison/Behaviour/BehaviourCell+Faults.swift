import Glibc
import MailarcKit

/// What is made to go wrong in a run.
extension BehaviourCell {
    /// One run, in which `fault` happens.
    func run(
        _ invocation: Invocation, _ pair: Pair, _ proxies: LabProxies, _ fault: Scenario.Fault?
    ) throws(KitError) -> ToolResult {
        if case .cannotOpen(let mailbox) = fault { try lab.letOpen(mailbox, of: user, false) }
        defer {
            // A mailbox that stays closed shows at the next look.
            if case .cannotOpen(let mailbox) = fault { try? lab.letOpen(mailbox, of: user, true) }
        }
        let result = try invocation.run(log: pair.file("run.log"), lab.stopFlag) { arm(fault, proxies, $0) }
        guard fault?.isInMidst ?? false, proxies.disarm() else { return result }
        throw KitError(.internalError, "so few octets came from the source that nothing could go wrong")
    }

    private func arm(_ fault: Scenario.Fault?, _ proxies: LabProxies, _ process: pid_t) {
        switch fault {
        case .isExpunged(let tag, let mailbox, let octets):
            // A message that stays shows at the next look.
            proxies.arm(after: octets) { [lab, user] in
                try? lab.client(lab.source, user).perform(.expunge(tag, in: mailbox))
            }
        case .cannotOpen: break
        case .connectionsEnd(let octets):
            proxies.arm(after: octets) {
                proxies.source.endConnections()
                proxies.doveadm.endConnections()
            }
        case .isKilled(let octets): proxies.arm(after: octets) { [lab] in lab.stopFlag.kill(process) }
        case nil: break
        }
    }
}
