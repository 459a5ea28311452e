"""Who is measured: each prepares an empty place, does its work, and says how many messages it has then."""
import os
import re
import shutil
import sys

from lab import HERE, PASSWORD, USER, Archive, messages_below, octets_below, run


class Contender:
    phases, needs = ("first",), ()
    # Of the messages: what it must have after a run.
    share = 1.0

    @classmethod
    def missing(cls):
        return [tool for tool in cls.needs if shutil.which(tool) is None]


class Floor(Contender):
    name = "fetch and discard"

    def prepare(self, lab):
        self.command = [sys.executable, HERE + "/floor.py", lab.port, USER, PASSWORD]

    def measure(self, lab, phase):
        measure = run(self.command)
        self.count = int(measure.output.split()[0])
        return measure

    def messages(self, lab):
        return self.count


class FloorTLS(Floor):
    name = "fetch and discard, TLS"

    def prepare(self, lab):
        self.command = [sys.executable, HERE + "/floor.py", lab.tls_port, USER, PASSWORD, lab.folder + "/ca.pem"]


class Mailarc(Contender):
    name, phases = "mailarc pull", ("first", "nothing", "plus10")
    folder = "mailarc"

    def prepare(self, lab):
        self.archive = Archive(lab, self.folder)
        self.archive.account("--host", "127.0.0.1", "--port", lab.port, "--security", "plain")

    def measure(self, lab, phase):
        return self.archive.call("pull", USER)

    def messages(self, lab):
        return self.archive.report("stats")["occurrences"]

    def size(self):
        return octets_below(self.archive.path)


class MailarcTLS(Mailarc):
    name, phases, folder = "mailarc pull, TLS", ("first",), "mailarc-tls"
    size = None

    def prepare(self, lab):
        self.archive = Archive(lab, self.folder)
        self.archive.account("--host", "127.0.0.1", "--port", lab.tls_port, "--ca-file", lab.folder + "/ca.pem")


class DoveadmBackup(Contender):
    name, phases, needs = "doveadm backup (imapc)", ("first", "nothing", "plus10"), ("doveadm",)

    def prepare(self, lab):
        shutil.rmtree(lab.folder + "/mail/peer", ignore_errors=True)
        os.makedirs(lab.folder + "/mail/peer")
        lab.own(lab.folder + "/mail/peer")

    def measure(self, lab, phase):
        # 2: "something changed meanwhile, run again"; whether everything is there is counted.
        return run(lab.doveadm + [
            "-o", "imapc_host=127.0.0.1", "-o", "imapc_port=" + lab.port, "-o", "imapc_user=" + USER, "-o",
            "imapc_password=" + PASSWORD, "-o", "imapc_features=rfc822.size fetch-headers", "-o", "mail_prefetch_count=20",
            "backup", "-R", "-u", "peer", "imapc:"], codes=(0, 2))

    def messages(self, lab):
        return messages_below(lab.folder + "/mail/peer/Maildir")


class Mbsync(Contender):
    name, phases, needs = "mbsync", ("first", "nothing", "plus10"), ("mbsync",)

    def prepare(self, lab):
        self.place = lab.fresh("mbsync")
        self.command = ["mbsync", "-q", "-c", self.place + "/rc", "-a"]
        with open(self.place + "/rc", "w") as file:
            file.write("""IMAPStore far
Host 127.0.0.1
Port %s
User %s
Pass %s
SSLType None
AuthMechs LOGIN

MaildirStore near
Inbox %s/mail
SubFolders Maildir++

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
CopyArrivalDate yes
SyncState *
""" % (lab.port, USER, PASSWORD, self.place))

    def measure(self, lab, phase):
        return run(self.command)

    def messages(self, lab):
        return messages_below(self.place + "/mail")


class Imapsync(DoveadmBackup):
    name, phases, needs = "imapsync (to the same server)", ("first",), ("imapsync",)
    # It knows messages by their Message-ID and copies the duplicates in a mailbox once.
    share = 0.98

    def measure(self, lab, phase):
        return run(["imapsync", "--host1", "127.0.0.1", "--port1", lab.port, "--user1", USER, "--password1", PASSWORD,
                    "--host2", "127.0.0.1", "--port2", lab.port, "--user2", "peer", "--password2", PASSWORD, "--nossl1",
                    "--notls1", "--nossl2", "--notls2", "--nolog", "--noreleasecheck", "--nofoldersizes",
                    "--nofoldersizesatend"], cwd=lab.fresh("imapsync"))


class Borg(Contender):
    name, needs = "borg zstd,3 (of the Maildir)", ("borg",)

    def prepare(self, lab):
        place = lab.fresh("borg")
        self.repository, self.source = place + "/repository", lab.maildir
        self.environment = {"BORG_PASSPHRASE": "x", "BORG_BASE_DIR": place, "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        run(["borg", "init", "-e", "repokey", self.repository], self.environment)

    def measure(self, lab, phase):
        return run(["borg", "create", "-C", "zstd,3", self.repository + "::a", self.source], self.environment)

    def messages(self, lab):
        listing = run(["borg", "list", "--short", self.repository + "::a"], self.environment).output
        return len(re.findall(r"/(?:cur|new)/.", listing))

    def size(self):
        return octets_below(self.repository)


class Restic(Contender):
    name, needs = "restic (of the Maildir)", ("restic",)

    def prepare(self, lab):
        place = lab.fresh("restic")
        self.repository, self.source = place + "/repository", lab.maildir
        self.environment = {"RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": place + "/cache"}
        run(["restic", "-r", self.repository, "init"], self.environment)

    def measure(self, lab, phase):
        return run(["restic", "-r", self.repository, "backup", self.source], self.environment)

    def messages(self, lab):
        listing = run(["restic", "-r", self.repository, "ls", "latest"], self.environment).output
        return len(re.findall(r"/(?:cur|new)/.", listing))

    def size(self):
        return octets_below(self.repository)


class Mdbox(Contender):
    name, needs = "Dovecot mdbox + zstd + SIS", ("doveadm",)

    def prepare(self, lab):
        self.place = lab.fresh("mdbox")
        lab.own(self.place)
        self.options = [
            "-o", "plugin/zlib_save=zstd", "-o", "mail_plugins=zlib", "-o", "plugin/zlib_save_level=3", "-o",
            "mdbox_rotate_size=64M", "-o", "mail_attachment_dir=%s/attachments" % self.place, "-o",
            "mail_attachment_min_size=32k", "-o", "mail_attachment_fs=sis posix", "-o",
            "mail_location=mdbox:%s/store" % self.place]

    def measure(self, lab, phase):
        return run(lab.doveadm + self.options + ["backup", "-R", "-u", USER, "maildir:" + lab.maildir], codes=(0, 2))

    def messages(self, lab):
        status = run(lab.doveadm + self.options + ["mailbox", "status", "-t", "-u", USER, "messages", "*"]).output
        return int(re.search(r"messages=(\d+)", status).group(1))

    def size(self):
        return octets_below(self.place)


CONTENDERS = [Floor, FloorTLS, Mailarc, MailarcTLS, DoveadmBackup, Mbsync, Imapsync, Borg, Restic, Mdbox]
