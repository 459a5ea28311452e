#!/usr/bin/env python3
"""bench.py --mailarc BINARY [--scale 0.1] [--runs 3] [--keep FOLDER]

Speed, memory and size at rest of mailarc beside the field's tools, on one made-up corpus (corpus.py) that a private
Dovecot serves on loopback without TLS. Runs are interleaved: every contender once, then every contender again, each
time into an empty place. Prints medians, ratios and peak memory. Tools that are not on PATH are named as not installed.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(HERE), "Fixtures", "bin")
USER, PASSWORD = "c01", "secret"


class Measure:
    def __init__(self, wall, cpu, memory):
        self.wall, self.cpu, self.memory = wall, cpu, memory


def run(command, environment=None, codes=(0,), cwd=None):
    """Runs a command and measures it with its children; fails loudly when it ends otherwise than expected."""
    log = tempfile.TemporaryFile()
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                               env={**os.environ, **(environment or {})})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        log.seek(0)
        raise RuntimeError("%s: %d\n%s" % (" ".join(command), process.returncode, log.read()[-2000:].decode(errors="replace")))
    return Measure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def octets_below(path):
    """The sizes of all files, hard links counted once (single instance storage lives by them)."""
    sizes = {}
    for root, _, names in os.walk(path):
        for name in names:
            facts = os.lstat(os.path.join(root, name))
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())


class Lab:
    """The corpus, the server, and a folder for what the contenders make."""

    def __init__(self, options):
        self.options = options
        self.folder = options.keep or tempfile.mkdtemp(prefix="mailarc-bench-", dir="/tmp")
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.maildir = "%s/mail/%s/Maildir" % (self.folder, USER)
        if not os.path.isdir(self.maildir):
            print(subprocess.run([sys.executable, HERE + "/corpus.py", "--out", self.maildir, "--scale",
                                  str(options.scale)], check=True, capture_output=True, text=True).stdout.strip())
        self.source_octets = octets_below(self.maildir)
        subprocess.run([sys.executable, SCRIPTS + "/start-dovecot", self.folder, USER, "peer"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.folder + "/server.env") as file:
            values = dict(line.strip().split("=") for line in file)
        self.pid, self.port = int(values["MAILARC_DEMO_PID"]), values["MAILARC_DEMO_PORT"]
        self.own(self.folder + "/mail")
        self.doveadm = ["doveadm", "-c", self.folder + "/dovecot.conf"]

    def own(self, path):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "5000:5000", path], check=True)

    def fresh(self, name):
        path = "%s/made/%s" % (self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def add_messages(self, round_number):
        """Ten new messages in three mailboxes, two of them of 800 KB."""
        boxes = [self.maildir] + sorted(entry.path for entry in os.scandir(self.maildir) if entry.name.startswith("."))[:2]
        for number in range(10):
            body = os.urandom(300_000).hex() if number in (3, 7) else "a new message"
            text = "From: new@lab.example\nSubject: new %d.%d\nMessage-ID: <new.%d.%d@lab.example>\n\n%s\n" % (
                round_number, number, round_number, number, body)
            name = "%d.M%06dP%d.new" % (time.time(), number, round_number)
            with open("%s/new/%s" % (boxes[number % 3], name), "w") as file:
                file.write(text)
        self.own(self.maildir)

    def close(self):
        os.kill(self.pid, 15)
        while os.path.exists("/proc/%d" % self.pid):
            time.sleep(0.05)
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Floor:
    name, phases, needs = "fetch and discard", ("first",), "python3"

    def prepare(self, lab):
        self.command = [sys.executable, HERE + "/floor.py", lab.port, USER, PASSWORD]

    def measure(self, lab, phase):
        return run(self.command)


class Mailarc:
    name, phases, needs = "mailarc pull", ("first", "nothing", "plus10"), "cat"

    def prepare(self, lab):
        self.place = lab.fresh("mailarc")
        self.archive = self.place + "/archive"
        with open(self.place + "/key", "w") as file:
            file.write("0123456789abcdef" * 4)
        with open(self.place + "/password", "w") as file:
            file.write(PASSWORD)
        self.environment = {"XDG_CONFIG_HOME": self.place + "/config", "MAILARC_ARCHIVE": self.archive}
        self.key = ["--key-file", self.place + "/key"]
        self.binary = lab.options.mailarc
        run([self.binary, "init"] + self.key, self.environment)
        run([self.binary, "account", "add", "c01", "--host", "127.0.0.1", "--port", lab.port, "--user", USER,
             "--security", "plain", "--password-file", self.place + "/password"], self.environment)

    def measure(self, lab, phase):
        return run([self.binary, "pull", "c01", "--progress", "none"] + self.key, self.environment)

    def size(self):
        return octets_below(self.archive)


class DoveadmBackup:
    name, phases, needs = "doveadm backup (imapc)", ("first", "nothing", "plus10"), "doveadm"

    def prepare(self, lab):
        shutil.rmtree(lab.folder + "/mail/peer", ignore_errors=True)
        os.makedirs(lab.folder + "/mail/peer")
        lab.own(lab.folder + "/mail/peer")

    def measure(self, lab, phase):
        return run(lab.doveadm + [
            "-o", "imapc_host=127.0.0.1", "-o", "imapc_port=" + lab.port, "-o", "imapc_user=" + USER, "-o",
            "imapc_password=" + PASSWORD, "-o", "imapc_features=rfc822.size fetch-headers", "-o", "mail_prefetch_count=20",
            "backup", "-R", "-u", "peer", "imapc:"], codes=(0, 2))


class Mbsync:
    name, phases, needs = "mbsync", ("first", "nothing", "plus10"), "mbsync"

    def prepare(self, lab):
        place = lab.fresh("mbsync")
        self.command = ["mbsync", "-q", "-c", place + "/rc", "-a"]
        with open(place + "/rc", "w") as file:
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
""" % (lab.port, USER, PASSWORD, place))

    def measure(self, lab, phase):
        return run(self.command)


class Imapsync:
    name, phases, needs = "imapsync (to the same server)", ("first", "nothing"), "imapsync"

    def prepare(self, lab):
        DoveadmBackup.prepare(self, lab)

    def measure(self, lab, phase):
        return run(["imapsync", "--host1", "127.0.0.1", "--port1", lab.port, "--user1", USER, "--password1", PASSWORD,
                    "--host2", "127.0.0.1", "--port2", lab.port, "--user2", "peer", "--password2", PASSWORD, "--nossl1",
                    "--notls1", "--nossl2", "--notls2", "--nolog", "--noreleasecheck", "--nofoldersizes",
                    "--nofoldersizesatend"], cwd=lab.fresh("imapsync"))


class Borg:
    name, phases, needs = "borg zstd,3 (of the Maildir)", ("first",), "borg"

    def prepare(self, lab):
        place = lab.fresh("borg")
        self.repository, self.source = place + "/repository", lab.maildir
        self.environment = {"BORG_PASSPHRASE": "x", "BORG_BASE_DIR": place, "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        run(["borg", "init", "-e", "repokey", self.repository], self.environment)

    def measure(self, lab, phase):
        return run(["borg", "create", "-C", "zstd,3", self.repository + "::a", self.source], self.environment)

    def size(self):
        return octets_below(self.repository)


class Restic:
    name, phases, needs = "restic (of the Maildir)", ("first",), "restic"

    def prepare(self, lab):
        place = lab.fresh("restic")
        self.repository, self.source = place + "/repository", lab.maildir
        self.environment = {"RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": place + "/cache"}
        run(["restic", "-r", self.repository, "init"], self.environment)

    def measure(self, lab, phase):
        return run(["restic", "-r", self.repository, "backup", self.source], self.environment)

    def size(self):
        return octets_below(self.repository)


class Mdbox:
    name, phases, needs = "Dovecot mdbox + zstd + SIS", ("first",), "doveadm"

    def prepare(self, lab):
        self.place = lab.fresh("mdbox")
        lab.own(self.place)

    def measure(self, lab, phase):
        return run(lab.doveadm + [
            "-o", "mail_location=mdbox:%s/store" % self.place, "-o", "mail_plugins=zlib", "-o", "plugin/zlib_save=zstd",
            "-o", "plugin/zlib_save_level=3", "-o", "mdbox_rotate_size=64M", "-o",
            "mail_attachment_dir=%s/attachments" % self.place, "-o", "mail_attachment_min_size=32k", "-o",
            "mail_attachment_fs=sis posix", "backup", "-R", "-u", USER, "maildir:" + lab.maildir], codes=(0, 2))

    def size(self):
        return octets_below(self.place)


CONTENDERS = [Floor, Mailarc, DoveadmBackup, Mbsync, Imapsync, Borg, Restic, Mdbox]
PHASES = {"first": "first run", "nothing": "nothing changed", "plus10": "ten new messages"}


def measure_all(lab, contenders, runs):
    """phase → contender → measures, and contender → sizes; a contender that fails is reported and left out."""
    results, sizes, failures = {phase: {} for phase in PHASES}, {}, {}
    for number in range(runs):
        for contender in contenders:
            if contender.name in failures:
                continue
            try:
                contender.prepare(lab)
                for phase in contender.phases:
                    if phase == "plus10":
                        lab.add_messages(hash((number, contender.name)) % 10 ** 6)
                    results[phase].setdefault(contender.name, []).append(contender.measure(lab, phase))
                    if phase == "first" and hasattr(contender, "size"):
                        sizes.setdefault(contender.name, []).append(contender.size())
                print("run %d: %s" % (number + 1, contender.name), file=sys.stderr)
            except RuntimeError as error:
                failures[contender.name] = str(error).splitlines()
                print("failed: %s" % error, file=sys.stderr)
    return results, sizes, failures


def print_tables(lab, results, sizes, missing, failures):
    median = lambda measures, field: statistics.median(getattr(measure, field) for measure in measures)
    for phase, title in PHASES.items():
        rows = results[phase]
        if not rows:
            continue
        own = median(rows[Mailarc.name], "wall") if Mailarc.name in rows else None
        print("\n%s\n| tool | wall s | CPU s | peak MiB | mailarc : tool |\n|---|---|---|---|---|" % title)
        for name, measures in rows.items():
            wall = median(measures, "wall")
            print("| %s | %.2f | %.2f | %.0f | %s |" % (name, wall, median(measures, "cpu"), median(measures, "memory"),
                                                       "%.2f" % (own / wall) if own else "-"))
    print("\nat rest\n| store | MiB | of the mail | mailarc : store |\n|---|---|---|---|")
    print("| the Maildir | %.1f | 100.0 %% | |" % (lab.source_octets / 2 ** 20))
    own = statistics.median(sizes[Mailarc.name]) if Mailarc.name in sizes else None
    for name, values in sizes.items():
        value = statistics.median(values)
        print("| %s | %.1f | %.1f %% | %s |" % (name, value / 2 ** 20, 100 * value / lab.source_octets,
                                               "%.2f" % (own / value) if own else "-"))
    for name in missing:
        print("%s: not installed" % name)
    for name, lines in failures.items():
        print("%s: failed: %s" % (name, lines[-1] if lines else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailarc", required=True)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="comma-separated words; contenders whose name holds one of them")
    parser.add_argument("--keep", help="make the corpus in this folder (short path) and keep it for the next time")
    options = parser.parse_args()
    words = options.only.split(",") if options.only else [""]
    chosen = [kind for kind in CONTENDERS if any(word in kind.name for word in words)]
    missing = [kind.name for kind in chosen if shutil.which(kind.needs) is None]
    lab = Lab(options)
    try:
        contenders = [kind() for kind in chosen if kind.name not in missing]
        print("%.1f MiB of mail, %d cores, load %.1f" % (lab.source_octets / 2 ** 20, os.cpu_count(), os.getloadavg()[0]))
        results, sizes, failures = measure_all(lab, contenders, options.runs)
        print_tables(lab, results, sizes, missing, failures)
    finally:
        lab.close()
    if Mailarc.name in failures:
        sys.exit(1)


main()
