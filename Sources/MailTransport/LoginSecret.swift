package import MailCore

/// A password or an access token on its way to a login.
package enum LoginSecret {
    /// Runs `attempt` with a secret; where the server refuses it, once more with another, if there is one.
    ///
    /// - Parameters:
    ///   - get: gives the secret.
    ///   - renew: gives another in place of the one that was refused, or throws.
    /// - Throws: what `attempt` does; `.authenticationFailed` around what `get` or `renew` threw.
    package static func use<Session>(
        _ get: () async throws -> [UInt8], or renew: (([UInt8]) async throws -> [UInt8])?,
        _ attempt: ([UInt8]) async throws(StoreError) -> Session
    ) async throws(StoreError) -> Session {
        let secret: [UInt8]
        do { secret = try await get() } catch {
            throw StoreError(.authenticationFailed, "The password could not be had", cause: error)
        }
        do throws(StoreError) { return try await attempt(secret) } catch {
            guard error.kind == .authenticationFailed, let renew else { throw error }
            let other: [UInt8]
            do { other = try await renew(secret) } catch {
                throw StoreError(.authenticationFailed, "The access token could not be renewed", cause: error)
            }
            do throws(StoreError) { return try await attempt(other) } catch {
                guard error.kind == .authenticationFailed else { throw error }
                throw StoreError(
                    .authenticationFailed, error.message, retry: error.retry, cause: FreshSecretRefused(cause: error))
            }
        }
    }
}

/// The secret was new, and the server refused it all the same.
package struct FreshSecretRefused: Error {
    package var cause: any Error
}
