"""Mail that is brought: LMTP beside Dovecot's, and an mbox file beside mb2md with notmuch.

Postfix's smtp-source sends, with 50 sessions at once, to `mailarc receive` (encrypted, indexed, in the ledger, durable
before 250) and to Dovecot's LMTP into a Maildir on the same disk (mail_fsync = always, so that its 250 says the same).
"""
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time

from lab import Archive, Measure, made_corpus, messages_below, ratio, run

SESSIONS, MESSAGES, OCTETS = 50, 4000, 4000
MBOX_MESSAGES = 20_000
IDLE, LARGE = 200, 500 << 20


class Service:
    """A program that takes mail at a port of its own, as long as it is needed."""

    def __init__(self, command, environment, port):
        self.log = open("/dev/null", "w")
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=self.log, stderr=self.log)
        self.port = port
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("%s does not listen" % command[0])

    def peak(self):
        """MiB that it ever held at once."""
        with open("/proc/%d/status" % self.process.pid) as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def send(port, count=MESSAGES, octets=OCTETS, sessions=SESSIONS):
    """Wall time until every message was answered with 250; anything else ends it with an error."""
    return run(["smtp-source", "-L", "-d", "-s", str(sessions), "-m", str(count), "-l", str(octets), "-f", "a@lab.example",
                "-t", "c01@lab.example", "inet:127.0.0.1:%d" % port])


class MailarcReceive:
    name, needs = "mailarc receive", ("smtp-source",)

    def __init__(self, lab):
        self.archive, self.port = Archive(lab, "receive"), free_port()
        self.service = Service(
            [lab.options.mailarc, "receive", "--lmtp", "127.0.0.1:%d" % self.port, "--account", "all", "--quiet",
             "--key-file", self.archive.place + "/key"], self.archive.environment, self.port)

    def count(self):
        return self.archive.report("stats")["occurrences"]


class DovecotLMTP:
    name, needs = "Dovecot LMTP into a Maildir", ("smtp-source", "dovecot")

    def __init__(self, lab):
        place, self.port = lab.fresh("lmtp"), free_port()
        self.place = place
        with open(place + "/dovecot.conf", "w") as file:
            file.write("""base_dir = %(place)s/run
state_dir = %(place)s/run
log_path = %(place)s/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_fsync = always
mail_location = maildir:%(place)s/mail
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=%(place)s allow_all_users=yes
}
first_valid_uid = 5000
service lmtp {
  process_limit = %(sessions)d
  client_limit = 1
  inet_listener lmtp {
    port = %(port)d
  }
}
""" % {"place": place, "port": self.port, "sessions": SESSIONS})
        os.makedirs(place + "/mail")
        lab.own(place)
        self.service = Service(["dovecot", "-F", "-c", place + "/dovecot.conf"], {}, self.port)

    def count(self):
        return messages_below(self.place + "/mail")


class Capture:
    """Measures in turns; what each has afterwards is counted."""

    def __init__(self, lab):
        self.lab, self.times, self.notes, self.peaks = lab, {}, [], []

    def add(self, name, measure):
        self.times.setdefault(name, []).append(measure)

    def median(self, name):
        return statistics.median(measure.wall for measure in self.times[name]) if name in self.times else None

    def run(self, runs):
        for _ in range(runs):
            for kind in (MailarcReceive, DovecotLMTP):
                self.lmtp(kind)
            self.mbox()
        if shutil.which("smtp-source"):
            self.large()

    def lmtp(self, kind):
        missing = [tool for tool in kind.needs if shutil.which(tool) is None]
        if missing:
            self.notes.append("%s: not installed (%s)" % (kind.name, ", ".join(missing)))
            return
        one = kind(self.lab)
        try:
            self.add(kind.name, send(one.port))
        finally:
            one.service.close()
        if one.count() != MESSAGES:
            raise RuntimeError("%s has %d of %d messages" % (kind.name, one.count(), MESSAGES))

    def mbox(self):
        path = "%s/small-%d-1" % (self.lab.folder, MBOX_MESSAGES)
        if not os.path.exists(path):
            made_corpus(path, "--small", str(MBOX_MESSAGES))
        archive = Archive(self.lab, "mbox-archive")
        self.add("mailarc import", archive.call("import", "mbox:" + path, "--account", "old"))
        if archive.report("stats")["occurrences"] != MBOX_MESSAGES:
            raise RuntimeError("not all of the mbox was imported")
        missing = [tool for tool in ("mb2md", "notmuch") if shutil.which(tool) is None]
        if missing:
            self.notes.append("mb2md with notmuch: not installed (%s)" % ", ".join(missing))
            return
        place = self.lab.fresh("mb2md")
        with open(place + "/rc", "w") as file:
            file.write("[database]\npath=%s/mail\n[user]\nname=x\nprimary_email=x@lab.example\n[new]\ntags=new\n" % place)
        first = run(["mb2md", "-s", path, "-d", place + "/mail"])
        second = run(["notmuch", "--config=" + place + "/rc", "new", "--quiet"])
        if messages_below(place + "/mail") != MBOX_MESSAGES:
            raise RuntimeError("mb2md has %d of %d messages" % (messages_below(place + "/mail"), MBOX_MESSAGES))
        self.add("mb2md, then notmuch new", Measure(
            first.wall + second.wall, first.cpu + second.cpu, max(first.memory, second.memory)))

    def large(self):
        """A message of 500 MB beside 200 connections that say nothing."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        one = MailarcReceive(self.lab)
        try:
            idle = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(IDLE)]
            send(one.port, 1, LARGE - (1 << 20), 1)
            self.peaks.append(one.service.peak())
            for connection in idle:
                connection.close()
        finally:
            one.service.close()
        if one.count() != 1:
            raise RuntimeError("the large message is not there")

    def print(self):
        print("\ncapture: %d messages of %d octets by LMTP, %d at once; an mbox of %d small messages\n" % (
            MESSAGES, OCTETS, SESSIONS, MBOX_MESSAGES))
        print("| tool | wall s | a second |\n|---|---|---|")
        for name in self.times:
            count = MESSAGES if "receive" in name or "LMTP" in name else MBOX_MESSAGES
            print("| %s | %.2f | %.0f |" % (name, self.median(name), count / self.median(name)))
        for note in sorted(set(self.notes)):
            print(note)

    def ratios(self):
        yield "speed of LMTP : Dovecot LMTP", ratio(self.median(DovecotLMTP.name), self.median(MailarcReceive.name)), 2.0, False
        yield "speed of an mbox : mb2md with notmuch", ratio(
            self.median("mb2md, then notmuch new"), self.median("mailarc import")), 5.0, False
        yield "receive: peak memory, 500 MB beside %d connections, MiB" % IDLE, max(self.peaks, default=None), 128, True
