"""The corpus, the server, and the way everything is measured."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(HERE), "Fixtures", "bin")
USER, PASSWORD = "c01", "secret"
# The destinations of syncs from account to account.
SYNC_USERS = ["near1", "near2", "near3"]


class Measure:
    def __init__(self, wall, cpu, memory, output=""):
        self.wall, self.cpu, self.memory, self.output = wall, cpu, memory, output
        # Of the server, where that was looked at.
        self.server = None


def run(command, environment=None, codes=(0,), cwd=None):
    """Runs a command and measures it with its children; fails loudly when it ends otherwise than expected."""
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                   env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read().decode(errors="replace")
    if process.returncode not in codes:
        raise RuntimeError("%s: %d\n%s" % (" ".join(command), process.returncode, text[-2000:]))
    return Measure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def ratio(first, second):
    """`None` where either was not measured."""
    return first / second if first is not None and second else None


def octets_below(path, without=()):
    """The sizes of all files, hard links counted once (single instance storage lives by them)."""
    sizes = {}
    for root, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name not in without]
        for name in names:
            facts = os.lstat(os.path.join(root, name))
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())


def messages_below(path):
    """The messages of a Maildir++."""
    return sum(len(names) for root, _, names in os.walk(path) if os.path.basename(root) in ("cur", "new"))


def made_corpus(folder, *options):
    """A Maildir of corpus.py, made once."""
    if not os.path.isdir(folder):
        made = subprocess.run([sys.executable, HERE + "/corpus.py", "--out", folder, *options], check=True,
                              capture_output=True, text=True)
        print(made.stdout.strip(), file=sys.stderr)
    return folder


class Lab:
    """A folder with the corpora, what the contenders make, and a private Dovecot."""

    def __init__(self, options, serves=True):
        self.options, self.pid = options, None
        self.folder = options.keep or tempfile.mkdtemp(prefix="mailarc-bench-", dir="/tmp")
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        if serves:
            self.serve()

    def serve(self):
        self.maildir = "%s/mail/%s/Maildir" % (self.folder, USER)
        made_corpus(self.maildir, "--scale", str(self.options.scale))
        subprocess.run([sys.executable, SCRIPTS + "/start-dovecot", self.folder, USER, "peer", *SYNC_USERS], check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.folder + "/server.env") as file:
            values = dict(line.strip().split("=") for line in file)
        self.pid, self.port = int(values["MAILARC_DEMO_PID"]), values["MAILARC_DEMO_PORT"]
        self.tls_port = values["MAILARC_DEMO_TLS_PORT"]
        self.own(self.folder + "/mail")
        self.doveadm = ["doveadm", "-c", self.folder + "/dovecot.conf"]

    @property
    def messages(self):
        return messages_below(self.maildir)

    def own(self, path):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "5000:5000", path], check=True)

    def server_cpu(self):
        """CPU seconds of the server and all processes it has, or had."""
        ticks = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % entry) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(entry) == self.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def fresh(self, name):
        path = "%s/made/%s" % (self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def add_messages(self, round_number):
        """Ten new messages in three mailboxes, two of them of 600 KB; their files, to be removed again."""
        boxes = [self.maildir] + sorted(entry.path for entry in os.scandir(self.maildir) if entry.name.startswith("."))[:2]
        made = []
        for number in range(10):
            body = os.urandom(300_000).hex() if number in (3, 7) else "a new message"
            made.append("%s/new/%d.M%06dP%d.new" % (boxes[number % 3], time.time(), number, round_number))
            with open(made[-1], "w") as file:
                file.write("From: new@lab.example\nSubject: new %d.%d\nMessage-ID: <new.%d.%d@lab.example>\n\n%s\n" % (
                    round_number, number, round_number, number, body))
            if os.geteuid() == 0:
                os.chown(made[-1], 5000, 5000)
        return made

    def remove_messages(self, made):
        """Takes away what add_messages made; the server may have moved it to cur."""
        for path in made:
            folder, name = os.path.split(path)
            for place in (folder, os.path.dirname(folder) + "/cur"):
                for entry in os.listdir(place):
                    if entry.split(":")[0].split(",")[0] == name:
                        os.unlink("%s/%s" % (place, entry))

    def close(self):
        if self.pid:
            os.kill(self.pid, 15)
            while os.path.exists("/proc/%d" % self.pid):
                time.sleep(0.05)
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Archive:
    """An archive with a key file, at `place`."""

    def __init__(self, lab, name):
        self.place, self.binary = lab.fresh(name), lab.options.mailarc
        self.path = self.place + "/archive"
        for file, text in (("key", "0123456789abcdef" * 4), ("password", PASSWORD)):
            with open("%s/%s" % (self.place, file), "w") as handle:
                handle.write(text)
        self.environment = {"XDG_CONFIG_HOME": self.place + "/config", "MAILARC_ARCHIVE": self.path}
        self.plain("init")

    def plain(self, *words, codes=(0,)):
        return run([self.binary, *words, "--key-file", self.place + "/key"], self.environment, codes)

    def account(self, *words):
        run([self.binary, "account", "add", USER, "--user", USER, "--password-file", self.place + "/password", *words],
            self.environment)

    def call(self, *words, codes=(0,)):
        return self.plain(*words, "--progress", "none", codes=codes)

    def report(self, *words):
        return json.loads(self.call(*words, "--json").output.splitlines()[-1])["result"]

    def has(self, command):
        """Whether this version knows the command."""
        words = subprocess.run([self.binary, "--help"], capture_output=True, text=True).stdout.split("\n")
        return any(line.split()[:1] == [command] for line in words)
