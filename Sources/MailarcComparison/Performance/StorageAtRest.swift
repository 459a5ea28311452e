import Glibc
import MailarcKit

/// How large the made-up repository is in what else keeps mail or files: borg, restic, Dovecot's mdbox.
struct StorageAtRest {
    let lab: Lab
    let user: String
    let messages: Int

    private struct Store {
        var name: String
        var program: String
        var commands: [Invocation]
        var place: String
    }

    /// Adds a size for each that is installed.
    func measure(_ report: inout PerformanceReport) throws(KitError) {
        let folder = try lab.folder.folder("stores", mode: 0o700)
        defer { folder.remove() }
        for store in [borg(folder), try restic(folder), try mdbox()] where Invocation.find(store.program) != nil {
            for command in store.commands {
                let result = try command.run(log: lab.folder.file("store.log"), lab.stopFlag)
                // 2 of doveadm: something changed meanwhile, which nothing did.
                guard result.exitCode == 0 else {
                    throw KitError(
                        .internalError, "\(command.text) ended with \(result.exitCode): \(result.output.suffix(300))")
                }
            }
            report.sizes.append(.init(name: store.name, octets: LabFolder.sizes(below: store.place).octets))
        }
        LabFolder(existing: lab.archive.folder.file("mail/mdbox")).remove()
    }

    private func borg(_ folder: LabFolder) -> Store {
        let place = folder.file("borg")
        let environment = ["BORG_BASE_DIR": folder.file("borg-base"), "BORG_PASSPHRASE": "lab"]
        var commands = [
            Invocation("borg", ["init", "-e", "repokey", place]),
            Invocation("borg", ["create", "-C", "zstd,3", "\(place)::a", lab.source.mailFolder(of: user)]),
        ]
        for index in commands.indices { commands[index].environment = environment }
        return Store(name: "borg zstd,3 (of the Maildir)", program: "borg", commands: commands, place: place)
    }

    private func restic(_ folder: LabFolder) throws(KitError) -> Store {
        let place = folder.file("restic")
        let password = try folder.write("restic-password", "lab\n")
        let common = ["-r", place, "--password-file", password, "--cache-dir", folder.file("restic-cache")]
        return Store(
            name: "restic (of the Maildir)", program: "restic",
            commands: [
                Invocation("restic", common + ["init"]),
                Invocation("restic", common + ["backup", lab.source.mailFolder(of: user)]),
            ], place: place)
    }

    private func mdbox() throws(KitError) -> Store {
        let home = try lab.archive.folder.folder("mail/mdbox")
        try lab.own(home.path)
        let options = [
            "mail_plugins=zlib", "plugin/zlib_save=zstd", "plugin/zlib_save_level=3", "mdbox_rotate_size=64M",
            "mail_attachment_dir=\(home.file("attachments"))", "mail_attachment_min_size=32k",
            "mail_attachment_fs=sis posix", "mail_location=mdbox:\(home.file("store"))",
        ].flatMap { ["-o", $0] }
        let source = "maildir:\(lab.source.mailFolder(of: user))"
        return Store(
            name: "Dovecot mdbox + zstd + SIS", program: "doveadm",
            commands: [
                Invocation(
                    "doveadm", ["-c", lab.archive.configuration] + options + ["backup", "-R", "-u", "mdbox", source])
            ], place: home.path)
    }
}
