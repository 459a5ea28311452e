import Glibc
import MailarcKit

/// Blocking TCP on 127.0.0.1; a descriptor that its owner closes.
enum LoopbackSocket {
    /// A port nobody listens on at the moment.
    static func freePort() throws(KitError) -> Int {
        let (descriptor, port) = try bound()
        close(descriptor)
        return port
    }

    /// A listening socket, and its port.
    static func listening() throws(KitError) -> (descriptor: Int32, port: Int) {
        let (descriptor, port) = try bound()
        guard listen(descriptor, 64) == 0 else {
            close(descriptor)
            throw failure("listen")
        }
        return (descriptor, port)
    }

    /// A connection; `nil` when nobody answers.
    static func connected(to port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        // LIMIT: a server on this machine that is silent for two minutes is a finding, not a delay.
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = address(port)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Some octets; empty at the end, or when the other end is silent for too long.
    static func receive(_ descriptor: Int32) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe recv(descriptor, &octets, octets.count, 0)
            if count < 0 && errno == EINTR { continue }
            return count > 0 ? Array(octets[..<count]) : []
        }
    }

    /// Sends everything; false when the other end is gone.
    static func send(_ octets: [UInt8], to descriptor: Int32) -> Bool {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func bound() throws(KitError) -> (Int32, Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        var address = address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: sockaddr_in is a sockaddr by layout, and both calls are told its size.
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            throw failure("bind")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return address
    }

    private static func failure(_ call: String) -> KitError {
        KitError(.ioFailed, "no port of this machine can be had (\(call): error \(errno))")
    }
}
