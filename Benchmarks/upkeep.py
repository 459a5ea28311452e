"""What comes after capture: check, rebuild, erase, compact, backup, and the text-only corpus."""
import os
import shutil
import statistics
import subprocess

from lab import Archive, Measure, made_corpus, octets_below, run

ERASURES = 5


def tree_octets(path):
    """A tar of the Maildir's messages through sha256sum, as an auditor would read it: one stream, every octet once."""
    return run(["sh", "-c", "find '%s' -type f -print0 | xargs -0 cat | sha256sum" % path])


class Upkeep:
    """Works on the archive that the last pull made; `add` keeps a figure by name."""

    def __init__(self, lab, archive):
        self.lab, self.archive, self.figures, self.notes = lab, archive, {}, []

    def add(self, name, measure):
        self.figures.setdefault(name, []).append(measure)

    def run(self):
        self.check()
        self.rebuild()
        self.copies()
        self.erase_and_compact()

    def check(self):
        self.add("check", self.archive.call("check"))
        self.add("sha256sum", tree_octets(self.lab.maildir))

    def rebuild(self):
        self.add("rebuild-catalog", self.archive.call("rebuild-catalog"))
        if not shutil.which("notmuch"):
            return
        place = self.lab.fresh("notmuch")
        shutil.copytree(self.lab.maildir, place + "/mail", copy_function=os.link)
        with open(place + "/rc", "w") as file:
            file.write("[database]\npath=%s/mail\n[user]\nname=x\nprimary_email=x@lab.example\n[new]\ntags=new\n"
                       "ignore=dovecot*;maildir*\n" % place)
        self.add("notmuch new", run(["notmuch", "--config=" + place + "/rc", "new", "--quiet"]))
        # It counts a duplicate once.
        found = int(run(["notmuch", "--config=" + place + "/rc", "count"]).output)
        if found < 0.95 * self.lab.messages:
            raise RuntimeError("notmuch has %d of %d messages" % (found, self.lab.messages))

    def copies(self):
        place = self.lab.fresh("copies")
        self.add("cp", self.cp(self.archive.path, place + "/cp"))
        if not self.archive.has("backup"):
            self.notes.append("backup: not in this version")
            return
        self.add("backup", self.archive.call("backup", place + "/backup"))
        self.add("backup, not read back", self.archive.call("backup", place + "/unread", "--verify", "none"))

    @staticmethod
    def cp(source, target):
        """cp that ends when the copy is durable, as ours do."""
        return run(["sh", "-c", "cp -r '%s' '%s' && sync -f '%s'" % (source, target, target)])

    def erase_and_compact(self):
        if not self.archive.has("erase"):
            self.notes.append("erase: not in this version")
            return
        rows = self.archive.report("search", "--limit", "400", "from:example")["messages"]
        ids = [row["id"] for row in rows][::7]
        for identity in ids[:ERASURES]:
            self.add("erase one", self.archive.call("erase", "--id", identity, "--yes"))
        self.add("erase %d" % len(ids[ERASURES:]), self.archive.call(
            "erase", *[word for identity in ids[ERASURES:] for word in ("--id", identity)], "--yes"))
        self.compact()

    def compact(self):
        before = set(self.packs())
        measure = self.archive.call("compact")
        new = set(self.packs()) - before
        if not new:
            self.notes.append("compact: nothing was replaced")
            return
        self.add("compact", measure)
        place = self.lab.fresh("compact-cp")
        copied = run(["sh", "-c", "cp %s '%s' && sync -f '%s'" % (" ".join(new), place, place)])
        self.add("cp of what compact wrote", copied)

    def packs(self):
        return [os.path.join(root, name) for root, _, names in os.walk(self.archive.path + "/packs")
                for name in names if len(name) == 64]

    def median(self, name, field="wall"):
        values = [getattr(measure, field) for measure in self.figures.get(name, [])]
        return statistics.median(values) if values else None


def text_sizes(lab, count=8000):
    """Raw octets, the archive without and with the index, for a corpus without attachments."""
    maildir = made_corpus(lab.folder + "/texts", "--texts", str(count))
    archive = Archive(lab, "texts-archive")
    archive.call("import", "maildir:" + maildir)
    if archive.report("stats")["occurrences"] != count:
        raise RuntimeError("not all of the texts were imported")
    raw = octets_below(maildir)
    return raw, octets_below(archive.path, without=("catalog",)), octets_below(archive.path)


def scaling(lab, count):
    """Time per message of the first and of the second `count` small messages in one archive."""
    measures, archive = [], Archive(lab, "scaling")
    for half in (1, 2):
        path = "%s/small-%d-%d" % (lab.folder, count, half)
        if not os.path.exists(path):
            subprocess.run(["python3", os.path.dirname(os.path.abspath(__file__)) + "/corpus.py", "--out", path,
                            "--small", str(count), "--seed", str(half)], check=True)
        measures.append(archive.call("import", "mbox:" + path, "--account", "half-%d" % half))
        if archive.report("stats")["occurrences"] != count * half:
            raise RuntimeError("not all of the small messages were imported")
    return measures, archive
