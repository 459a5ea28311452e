"""`mailarc sync` beside those who bring two stores together: on loopback, and over a line of 40 ms.

Each contender has a place of its own, a Maildir or a user of the same server, and does one phase after the other in it:
first copy, nothing changed, ten new messages in three mailboxes. They take turns, and what each has is counted. The two
short phases are done several times on loopback: one alone would measure what else the machine does.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from lab import HERE, PASSWORD, USER, messages_below, run

PHASES = {"first": "first copy", "nothing": "nothing changed", "plus10": "ten new messages in three mailboxes"}
DELAY = 40
REPEATS = 5


class Line:
    """A proxy to a port of the server, as long as it is needed."""

    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, HERE + "/proxy.py", str(port), "--delay", str(DELAY)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()

    def bursts(self):
        """Those of each connection since the last call."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.terminate()
        self.process.communicate()


class Syncer:
    """One who syncs `kind`: to a Maildir, or to another user of the server."""

    phases, needs, share = ("first", "nothing", "plus10"), (), 1.0

    def __init__(self, kind):
        self.kind = kind

    @classmethod
    def missing(cls):
        return [tool for tool in cls.needs if shutil.which(tool) is None]

    def target(self, lab):
        """The folder the messages end in."""
        if self.kind == "imap":
            return "%s/mail/%s/Maildir" % (lab.folder, self.user)
        return self.place + "/mail"

    def prepare(self, lab):
        self.place = lab.fresh("sync-" + re.sub("[^a-z]", "", self.name) + "-" + self.kind)
        if self.kind == "imap":
            home = os.path.dirname(self.target(lab))
            shutil.rmtree(home, ignore_errors=True)
            os.makedirs(home)
            lab.own(home)
        self.line = Line(lab.tls_port if self.kind == "line" else lab.port) if "line" in self.kind else None
        self.configure(lab, self.line.port if self.line else lab.port, self.kind == "line")

    def close(self):
        if self.line:
            self.line.close()

    def measure(self, lab):
        return run(self.command, self.environment, self.codes, cwd=self.place)

    def messages(self, lab):
        return messages_below(self.target(lab))

    line, environment, codes = None, {}, (0,)


class MailarcSync(Syncer):
    name, user = "mailarc sync", "near1"

    def configure(self, lab, port, is_secure):
        self.environment = {"XDG_CONFIG_HOME": self.place + "/config"}
        shutil.rmtree(self.place + "/config", ignore_errors=True)
        with open(self.place + "/password", "w") as file:
            file.write(PASSWORD)
        self.add(lab, USER, port, is_secure)
        destination = "maildir:" + self.place + "/mail"
        if self.kind == "imap":
            self.add(lab, self.user, lab.port, False)
            destination = self.user
        self.command = [lab.options.mailarc, "sync", USER, destination, "--strategy", "backup", "--state",
                        self.place + "/state", "--progress", "none"]
    def add(self, lab, user, port, is_secure):
        words = ["--ca-file", lab.folder + "/ca.pem"] if is_secure else ["--security", "plain"]
        run([lab.options.mailarc, "account", "add", user, "--user", user, "--host", "127.0.0.1", "--port", str(port),
             "--mechanism", "plain", "--password-file", self.place + "/password", *words], self.environment)


class MbsyncSync(Syncer):
    name, needs, user = "mbsync", ("mbsync",), "near2"

    def configure(self, lab, port, is_secure):
        far = self.account("far", port, USER, is_secure, lab)
        near = self.account("near", lab.port, self.user, False, lab) if self.kind == "imap" else (
            "MaildirStore near\nInbox %s/mail\nSubFolders Maildir++\n" % self.place)
        with open(self.place + "/rc", "w") as file:
            file.write(far + "\n" + near + "\nChannel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\n"
                       "CopyArrivalDate yes\nSyncState %s/state/\n" % self.place)
        os.makedirs(self.place + "/state", exist_ok=True)
        self.command = ["mbsync", "-q", "-c", self.place + "/rc", "-a"]

    @staticmethod
    def account(name, port, user, is_secure, lab):
        security = "SSLType IMAPS\nCertificateFile %s/ca.pem" % lab.folder if is_secure else "SSLType None"
        return "IMAPStore %s\nHost localhost\nPort %s\nUser %s\nPass %s\nAuthMechs PLAIN\n%s\n" % (
            name, port, user, PASSWORD, security)


class DoveadmSync(Syncer):
    name, needs, user = "doveadm backup (imapc)", ("doveadm",), "peer"
    # 2: "something changed meanwhile, run again"; whether everything is there is counted.
    codes = (0, 2)

    def target(self, lab):
        return lab.folder + "/mail/peer/Maildir"

    def prepare(self, lab):
        shutil.rmtree(lab.folder + "/mail/peer", ignore_errors=True)
        os.makedirs(lab.folder + "/mail/peer")
        lab.own(lab.folder + "/mail/peer")
        super().prepare(lab)

    def configure(self, lab, port, is_secure):
        secure = ["-o", "imapc_ssl=imaps", "-o", "ssl_client_ca_file=" + lab.folder + "/ca.pem"] if is_secure else []
        self.command = lab.doveadm + secure + [
            "-o", "imapc_host=127.0.0.1", "-o", "imapc_port=" + str(port), "-o", "imapc_user=" + USER, "-o",
            "imapc_password=" + PASSWORD, "-o", "imapc_features=rfc822.size fetch-headers", "-o",
            "mail_prefetch_count=20", "backup", "-R", "-u", "peer", "imapc:"]


class ImapsyncSync(Syncer):
    name, needs, user, phases = "imapsync", ("imapsync",), "near3", ("first", "nothing")
    # It knows messages by their Message-ID and copies the duplicates in a mailbox once.
    share = 0.98

    def configure(self, lab, port, is_secure):
        self.command = [
            "imapsync", "--host1", "127.0.0.1", "--port1", str(port), "--user1", USER, "--password1", PASSWORD,
            "--host2", "127.0.0.1", "--port2", lab.port, "--user2", self.user, "--password2", PASSWORD, "--nossl1",
            "--notls1", "--nossl2", "--notls2", "--nolog", "--noreleasecheck", "--nofoldersizes",
            "--nofoldersizesatend"]


CONTENDERS = {
    "maildir": [MailarcSync, DoveadmSync, MbsyncSync],
    "imap": [MailarcSync, MbsyncSync, ImapsyncSync],
    "line": [MailarcSync, DoveadmSync, MbsyncSync],
    "clear line": [MailarcSync],
}
KINDS = {
    "maildir": "IMAP to Maildir",
    "imap": "IMAP to IMAP",
    "line": "IMAP to Maildir, %d ms, TLS" % DELAY,
    "clear line": "IMAP to Maildir, %d ms" % DELAY,
}


class Sync:
    """All of it, and its ratios."""

    def __init__(self, lab):
        self.lab, self.measures, self.failures, self.bursts = lab, {}, {}, {}

    def run(self, runs):
        for kind, kinds in CONTENDERS.items():
            for number in range(runs if "line" not in kind else 1):
                for contender in [each(kind) for each in kinds if not each.missing()]:
                    self.attempt(contender, number)

    def attempt(self, contender, number):
        if (contender.name, contender.kind) in self.failures:
            return
        try:
            contender.prepare(self.lab)
            for phase in contender.phases:
                self.phase(contender, phase, number)
            print("sync, run %d: %s, %s" % (number + 1, contender.name, KINDS[contender.kind]), file=sys.stderr)
        except (RuntimeError, OSError) as error:
            self.failures[contender.name, contender.kind] = str(error).strip().splitlines()[-1]
            print("failed: %s: %s" % (contender.name, error), file=sys.stderr)
        finally:
            contender.close()

    def phase(self, contender, phase, number):
        repeats = 1 if phase == "first" or contender.line or contender.name == ImapsyncSync.name else REPEATS
        for repeat in range(repeats):
            if phase == "plus10" and repeat:
                # What was removed again is followed, unmeasured.
                contender.measure(self.lab)
            self.once(contender, phase)

    def once(self, contender, phase):
        self.rounds = getattr(self, "rounds", 0) + 1
        made = self.lab.add_messages(1000 + self.rounds) if phase == "plus10" else []
        before = self.lab.server_cpu()
        measure = contender.measure(self.lab)
        measure.server = self.lab.server_cpu() - before
        self.note(phase, contender, measure)
        found, wanted = contender.messages(self.lab), self.lab.messages
        self.lab.remove_messages(made)
        if contender.line:
            self.bursts[contender.name, contender.kind, phase] = contender.line.bursts()
        if found < wanted * contender.share:
            raise RuntimeError("%s has %d of %d messages" % (contender.name, found, wanted))

    def note(self, phase, contender, measure):
        self.measures.setdefault((contender.kind, phase), {}).setdefault(contender.name, []).append(measure)

    # MARK: what came out

    def median(self, kind, phase, name, field="wall"):
        values = sorted(getattr(each, field) for each in self.measures.get((kind, phase), {}).get(name, []))
        return values[len(values) // 2] if values else None

    def memory(self):
        return max((each.memory for measures in self.measures.values() for each in measures.get(MailarcSync.name, [])),
                   default=None)

    def round_trips(self, name, kind):
        """With nothing changed, from the first octet on: of the longest connection, as others run beside it."""
        connections = self.bursts.get((name, kind, "nothing"))
        if not connections:
            return None
        return 1 + max(sum(1 for _, is_answered in bursts if is_answered) for bursts in connections)

    def round_trips_after_login(self):
        connections = self.bursts.get((MailarcSync.name, "clear line", "nothing"))
        if not connections:
            return None
        counts = []
        for bursts in connections:
            logins = [place for place, (text, _) in enumerate(bursts) if re.search("AUTHENTICATE|LOGIN ", text)]
            counts.append(sum(1 for _, is_answered in bursts[(logins or [-1])[-1] + 1:] if is_answered))
        return max(counts)

    def print(self):
        for (kind, phase), measures in self.measures.items():
            own = self.median(kind, phase, MailarcSync.name)
            print("\nsync, %s: %s\n\n| tool | wall s | CPU s | server's CPU s | peak MiB | mailarc : tool |\n|---|---|---|---|---|---|"
                  % (
                KINDS[kind], PHASES[phase]))
            for name in measures:
                wall = self.median(kind, phase, name)
                print("| %s | %.2f | %.2f | %.2f | %.0f | %s |" % (
                    name, wall, *(self.median(kind, phase, name, field) for field in ("cpu", "server", "memory")),
                    "%.2f" % (own / wall) if own else "-"))
        for name, kind, phase in self.bursts:
            if phase == "nothing":
                print("round trips, nothing changed, %s, %s: %d" % (KINDS[kind], name, self.round_trips(name, kind)))
        for kind in {each for kinds in CONTENDERS.values() for each in kinds}:
            if kind.missing():
                print("%s: not installed (%s)" % (kind.name, ", ".join(kind.missing())))
        for (name, kind), line in self.failures.items():
            print("sync, %s: %s failed: %s" % (KINDS[kind], name, line))

    def ratios(self):
        def ratio(kind, phase, *names):
            own = self.median(kind, phase, MailarcSync.name)
            others = [each for each in (self.median(kind, phase, name) for name in names) if each]
            return own / min(others) if own and others else None

        doveadm, mbsync, imapsync = DoveadmSync.name, MbsyncSync.name, ImapsyncSync.name
        yield "sync, nothing changed : mbsync", ratio("maildir", "nothing", mbsync), 0.5, True
        yield "sync, nothing changed : doveadm backup", ratio("maildir", "nothing", doveadm), 0.2, True
        yield "sync, nothing changed, IMAP to IMAP : imapsync", ratio("imap", "nothing", imapsync), 0.05, True
        yield "sync, ten new : the better of doveadm and mbsync", ratio("maildir", "plus10", doveadm, mbsync), 0.5, True
        yield "sync, first copy to Maildir : doveadm backup", ratio("maildir", "first", doveadm), 0.6, True
        yield "sync, first copy IMAP to IMAP : mbsync", ratio("imap", "first", mbsync), 0.8, True
        yield "sync, first copy IMAP to IMAP : imapsync", ratio("imap", "first", imapsync), 0.2, True
        yield "sync, nothing changed, 40 ms : mbsync", ratio("line", "nothing", mbsync), 0.5, True
        yield "sync, nothing changed, 40 ms : doveadm backup", ratio("line", "nothing", doveadm), 0.2, True
        yield "sync, ten new, 40 ms : the better of doveadm and mbsync", ratio("line", "plus10", doveadm, mbsync), 0.5, True
        yield "sync, first copy, 40 ms : doveadm backup", ratio("line", "first", doveadm), 0.6, True
        yield "sync, round trips after authentication", self.round_trips_after_login(), 3, True
        yield "sync, round trips in all, TLS", self.round_trips(MailarcSync.name, "line"), 5, True
        yield "sync, peak memory, MiB", self.memory(), 96, True
