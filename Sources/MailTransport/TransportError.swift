package import MailCore
import NIOCore
import NIOPosix
import NIOSSL

/// What the pipeline of a connection throws, as a mail store says it.
package enum TransportError {
    /// `error` of the pipeline in the words of a mail store.
    package static func store(_ error: any Error) -> StoreError {
        switch error {
        case let error as StoreError: return error
        case is CancellationError: return StoreError(.cancelled, "The task was cancelled", cause: error)
        case is InletTimeout:
            return StoreError(.connectionLost, "The server did not answer in time", retry: .later, cause: error)
        case NIOSSLError.uncleanShutdown:
            return StoreError(.connectionLost, "The server broke the TLS connection", retry: .now, cause: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return StoreError(.tlsFailed, "TLS failed: \(words(error))", cause: error)
        default:
            return StoreError(.connectionLost, "The connection broke: \(words(error))", retry: .now, cause: error)
        }
    }

    /// `error` in a few words, whatever the libraries tell of their inside.
    package static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            // SAFETY: strerror gives a terminated string that is copied at once.
            unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) } ?? "error \(error.errnoCode)"
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first {
                words(failure.error)
            } else {
                "the name is not known, or no name server answers"
            }
        case let error as ChannelError where error.isTimeout: "no answer in time"
        case is NIOSSLExtraError: "the certificate is not for this name"
        case is NIOSSLError where "\(error)".contains("CERTIFICATE_VERIFY_FAILED"):
            "the certificate is expired, self-signed, or signed by nobody known here"
        default: "\(error)"
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
    }
}

extension ChannelError {
    fileprivate var isTimeout: Bool {
        if case .connectTimeout = self { true } else { false }
    }
}
