import Foundation
import Glibc

/// TCP on 127.0.0.1, as far as launching servers needs it.
public enum Loopback {
    /// Ports nobody listens on at the moment, all different: bound together, then released.
    public static func freePorts(_ count: Int) throws -> [Int] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw ProcessFailure("socket: errno \(errno)") }
            descriptors.append(descriptor)
            var address = socketAddress(port: 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            // SAFETY: sockaddr_in is a sockaddr by layout, and both calls are told its size.
            let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    unsafe bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
                }
            }
            guard isBound else { throw ProcessFailure("bind: errno \(errno)") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    /// Connects and reads the first line, or nil when nobody answers within about a second.
    public static func greeting(port: Int) -> String? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = socketAddress(port: port)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        var octets = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &octets, octets.count, 0)
        return count > 0 ? String(decoding: octets[..<count], as: UTF8.self) : nil
    }

    /// Tries until a greeting comes or `deadline` has passed; waits on the socket, not on a fixed time.
    static func awaitGreeting(port: Int, within limit: Duration, while isAlive: () -> Bool) -> String? {
        let deadline = ContinuousClock.now + limit
        repeat {
            if let line = greeting(port: port) { return line }
            // Nothing listens yet: a refused connection returns at once, so yield the core for a moment.
            poll(nil, 0, 10)
        } while ContinuousClock.now < deadline && isAlive()
        return nil
    }

    private static func socketAddress(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return address
    }
}
