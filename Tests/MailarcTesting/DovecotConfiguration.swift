import Foundation
import Glibc

/// The configuration file of one private Dovecot 2.3.
struct DovecotConfiguration {
    let options: DovecotServer.Options
    let folder: TestFolder
    let certificates: TestCertificates
    /// IMAP, IMAP over TLS, LMTP, POP3, POP3 over TLS.
    let ports: [Int]

    /// Writes `dovecot.conf` and the password file; answers the path of the former.
    func write() throws -> String {
        let isRoot = geteuid() == 0
        let (user, group) = isRoot ? (5000, 5000) : (Int(geteuid()), Int(getegid()))
        let lines = options.users.map {
            "\($0.key):{PLAIN}\($0.value):\(user):\(group)::\(folder.file("mail/\($0.key)"))"
        }
        try folder.write("users", lines.sorted().joined(separator: "\n") + "\n", mode: 0o644)
        for name in options.users.keys { try makeHome(name, owner: (user, group)) }
        var text = [base(user: user, group: group), mail, listeners, isRoot ? "" : unprivileged]
        if options.takesLMTP { text.append(lmtp) }
        if options.servesPOP3 { text.append(pop3) }
        return try folder.write("dovecot.conf", text.joined(separator: "\n") + "\n" + options.extraConfiguration + "\n")
    }

    private func makeHome(_ name: String, owner: (Int, Int)) throws {
        let home = folder.file("mail/\(name)")
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        if geteuid() == 0 {
            guard unsafe chown(home, uid_t(owner.0), gid_t(owner.1)) == 0 else {
                throw ProcessFailure("chown \(home): errno \(errno)")
            }
        }
    }

    private func base(user: Int, group: Int) -> String {
        """
        base_dir = \(folder.file("run"))
        state_dir = \(folder.file("run"))
        instance_name = \((folder.path as NSString).lastPathComponent)
        log_path = \(folder.file("dovecot.log"))
        protocols = imap\(options.takesLMTP ? " lmtp" : "")\(options.servesPOP3 ? " pop3" : "")
        listen = 127.0.0.1
        ssl = yes
        ssl_cert = <\(certificates.certificate)
        ssl_key = <\(certificates.key)
        disable_plaintext_auth = \(options.requiresTLS ? "yes" : "no")
        # A connection from our own address counts as secure without this, whatever the setting above says.
        login_trusted_networks =
        auth_mechanisms = \(options.mechanisms)
        passdb {
          driver = passwd-file
          args = scheme=PLAIN username_format=%u \(folder.file("users"))
        }
        userdb {
          driver = passwd-file
          args = username_format=%u \(folder.file("users"))
        }
        first_valid_uid = \(user)
        first_valid_gid = \(group)
        """
    }

    private var mail: String {
        """
        mail_location = \(options.format == .maildir ? "maildir:~/Maildir" : "mdbox:~/mdbox")
        mailbox_list_index = yes
        namespace inbox {
          inbox = yes
          separator = \(options.separator)
        }
        mail_max_userip_connections = 100
        # Durability of a server that lives for one test is no concern.
        mail_fsync = never
        default_vsz_limit = 1G
        # Wrong passwords are tried on purpose: no pauses for them.
        auth_failure_delay = 0
        """
    }

    private var listeners: String {
        """
        service imap-login {
          inet_listener imap {
            port = \(ports[0])
          }
          inet_listener imaps {
            port = \(ports[1])
            ssl = yes
          }
        }
        service stats {
          client_limit = 500
        }
        service anvil {
          client_limit = 500
          # The same for an address that tried some.
          unix_listener anvil-auth-penalty {
            mode = 0
          }
        }
        """
    }

    /// LMTP names the mailbox owner with a domain, IMAP without.
    private var lmtp: String {
        """
        auth_username_format = %Ln
        postmaster_address = postmaster@example.org
        service lmtp {
          inet_listener lmtp {
            address = 127.0.0.1
            port = \(ports[2])
          }
        }
        """
    }

    private var pop3: String {
        """
        service pop3-login {
          inet_listener pop3 {
            port = \(ports[3])
          }
          inet_listener pop3s {
            port = \(ports[4])
            ssl = yes
          }
          \(geteuid() == 0 ? "" : "chroot =")
        }
        """
    }

    /// Without root there is nobody to become and nothing to chroot into.
    private var unprivileged: String {
        """
        default_internal_user = \(NSUserName())
        default_internal_group =
        default_login_user = \(NSUserName())
        service imap-login {
          chroot =
        }
        service anvil {
          chroot =
        }
        service stats {
          chroot =
        }
        """
    }
}
