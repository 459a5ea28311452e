#!/usr/bin/env python3
"""corpus.py --out MAILDIR [--scale 0.1] [--seed 1] [--texts N]: a made-up archive of an office worker, as a Maildir++.

With --texts N: N of its messages without attachments. With --small N: N messages of 1 to 2 KB, as a folder of mbox
files of 5,000 each.

At scale 1: 15,474 messages in 101 mailboxes, about 9.2 GiB. About three quarters are texts of 2 to 30 KiB with Zipf
distributed words in six alphabets, threads with quoted replies and HTML alternatives; a quarter carries base64
attachments of log-normal size, three quarters of them incompressible, about a third repeating an earlier one, some of
those with another line length. Deterministic for a seed. Python's standard library only.
"""
import argparse
import base64
import binascii
import itertools
import math
import os
import quopri
import random
import time
from email.header import Header
from email.utils import formatdate

ALPHABETS = {
    "en": ("b c d f g l m n p r s t st tr sh", "a e i o u ea ou", ",n,r,s,t,ng,ment,tion,ly"),
    "de": ("b d f g h k l m n r s t w z sch st", "a e i o u ä ö ü ei au", ",n,r,t,ng,cht,ung,keit,lich,ß"),
    "fr": ("b c d f g l m n p r s t v ch qu", "a e i o u é è ou eau", ",r,t,s,nt,tion,ment"),
    "hu": ("b d f g h k l m n r s t v z sz gy cs", "a e i o u á é í ó ö ő ü ű", ",k,t,n,sz,ság,ban,nak"),
    "ru": ("б в г д ж з к л м н п р с т ф х ч ш", "а е и о у ы э ю я", ",н,т,ть,ский,ние,сть"),
    "ja": ("日 本 東 京 会 議 報 告 契 約 請 求 予 算 技 術", "研 究 部 門 資 料 情 報 文 書", ",の,に,を,する"),
}
SIZES = {"en": 40000, "de": 30000, "fr": 15000, "hu": 15000, "ru": 15000, "ja": 6000}
SHARES = [55, 20, 7, 8, 6, 4]
ROOTS = ["INBOX", "Sent", "Drafts", "Trash", "Junk", "Archív", "Архив", "日本", "R&D", "Számlák", "With space", "Lists"]
LEAVES = ["Projekte", "Müller & Co", "Kunden", "année", "клиенты", "契約", "team", "old mail", "bugs", "misc"]
KINDS = [("jpg", "image/jpeg", False), ("pdf", "application/pdf", False), ("zip", "application/zip", False),
         ("docx", "application/octet-stream", False), ("csv", "text/csv", True), ("log", "text/plain", True)]
KEYWORDS = ["$Forwarded", "$Label1", "NonJunk", "Work"]


def modified_utf7(name):
    parts = []
    for plain, run in itertools.groupby(name, lambda c: 0x20 <= ord(c) <= 0x7E):
        text = "".join(run)
        if plain:
            parts.append(text.replace("&", "&-"))
        else:
            parts.append("&%s-" % base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ","))
    return "".join(parts)


class Words:
    """A vocabulary with Zipf's law."""

    def __init__(self, language):
        starts, middles, ends = ALPHABETS[language]
        starts, middles, ends = starts.split(), middles.split(), ends.split(",")
        pick, seen = random.Random("words " + language), {}
        while len(seen) < SIZES[language]:
            count = pick.choice((1, 2, 2, 2, 3, 3, 4))
            seen["".join(pick.choice(starts) + pick.choice(middles) for _ in range(count)) + pick.choice(ends)] = None
        self.words = list(seen)
        self.weights = list(itertools.accumulate(1 / (rank + 2.7) ** 1.05 for rank in range(len(self.words))))

    def take(self, pick, count):
        return pick.choices(self.words, cum_weights=self.weights, k=count)


class Corpus:
    def __init__(self, out, scale, seed, texts=None):
        self.out, self.pick = out, random.Random(seed)
        self.count, self.target = texts or round(15474 * scale), int(9.177 * 2 ** 30 * scale)
        self.words = {language: Words(language) for language in ALPHABETS}
        self.mailboxes = list(ROOTS)
        while len(self.mailboxes) < 101:
            name = "%s.%s-%d" % (self.pick.choice(self.mailboxes[5:]), self.pick.choice(LEAVES), len(self.mailboxes))
            self.mailboxes.append(name if name.count(".") < 4 else name.split(".", 1)[1])
        self.weights = [1 / (rank + 1.5) ** 0.9 for rank in range(101)]
        self.people = [("%s %s" % tuple(w.capitalize() for w in self.words[language].take(self.pick, 2)),
                        "person%d@%s.example" % (number, self.pick.choice(("firm", "uni", "shop"))))
                       for number in range(400) for language in [self.pick.choice(list(ALPHABETS))]]
        self.pool, self.cache, self.threads = [], {}, []
        self.plans = self.plan() if texts is None else {}

    def plan(self):
        """Which message carries which attachments, and how big those must be for the whole to come out right."""
        plans, pick = {}, self.pick
        for number in range(self.count):
            if pick.random() >= 0.24:
                continue
            chosen = []
            for _ in range(pick.choice((1, 1, 1, 2, 3))):
                if self.pool and pick.random() < 0.35:
                    chosen.append((pick.randrange(len(self.pool)), 72 if pick.random() < 0.15 else 76))
                else:
                    size = min(36e6, math.exp(pick.gauss(math.log(6e5), 1.6)))
                    kind = pick.choices(range(6), (35, 20, 12, 8, 15, 10))[0]
                    self.pool.append([pick.getrandbits(48), size, kind])
                    chosen.append((len(self.pool) - 1, 76))
            plans[number] = chosen
        for _ in range(8):
            coded = sum(self.pool[index][1] * 4 / 3 * (width + 1) / width for row in plans.values() for index, width in row)
            factor = (self.target - self.count * 8200) / max(coded, 1)
            for entry in self.pool:
                entry[1] = max(200, min(36e6, entry[1] * factor))
        return plans

    def attachment(self, index, width):
        if (index, width) in self.cache:
            return self.cache[index, width]
        seed, size, kind = self.pool[index]
        size, own = int(size), random.Random(seed)
        if KINDS[kind][2]:
            rows = "".join("%d;%s;%.2f\n" % (row, own.choice(self.words["en"].words[:3000]), own.random() * 1e4)
                           for row in range(2000)).encode()
            octets = b"".join(b"#%016x\n" % own.getrandbits(64) + rows[at % len(rows):][:300]
                              for at in range(0, size, 300))[:size]
        else:
            octets = own.randbytes(size)
        coded = binascii.b2a_base64(octets, newline=False)
        lines = b"\n".join(coded[at:at + width] for at in range(0, len(coded), width)) + b"\n"
        if len(lines) < 2_000_000:
            if len(self.cache) > 60:
                self.cache.pop(next(iter(self.cache)))
            self.cache[index, width] = lines
        return lines

    def paragraph(self, language):
        words, lines, line = self.words[language].take(self.pick, self.pick.randrange(8, 90)), [], ""
        for word in words:
            if len(line) + len(word) > 74:
                lines.append(line)
                line = word
            else:
                line = (line + " " + word).strip()
        return "\n".join(lines + [line]) + "."

    def text_part(self, text, subtype):
        way = "7bit" if text.isascii() else self.pick.choices(("quoted-printable", "8bit", "base64"), (5, 3, 2))[0]
        body = text + "\n"
        if way == "quoted-printable":
            body = quopri.encodestring(text.encode()).decode() + "\n"
        elif way == "base64":
            body = base64.encodebytes(text.encode()).decode()
        return "Content-Type: text/%s; charset=utf-8\nContent-Transfer-Encoding: %s\n\n%s" % (subtype, way, body)

    def multipart(self, subtype, parts):
        mark = "=_%x" % self.pick.getrandbits(64)
        head = ("Content-Type: multipart/%s; boundary=\"%s\"\n\n" % (subtype, mark)).encode()
        return head + b"".join(b"--%s\n%s\n" % (mark.encode(), part) for part in parts) + b"--%s--\n" % mark.encode()

    def message(self, number, moment):
        pick = self.pick
        thread = pick.choice(self.threads[-25:]) if self.threads and pick.random() < 0.55 else None
        language = thread[0] if thread else pick.choices(list(ALPHABETS), SHARES)[0]
        is_mine = pick.random() < 0.22
        sender = ("Archív Üzemeltető", "me@lab.example") if is_mine else pick.choice(self.people)
        to = pick.sample(self.people, pick.choice((1, 1, 2, 4)))
        subject = thread[1] if thread else " ".join(self.words[language].take(pick, pick.randrange(2, 9)))
        body = "\n\n".join(self.paragraph(language) for _ in range(pick.choice((1, 1, 2, 2, 3, 4, 6, 9, 14))))
        identity = "<%x.%x@%s>" % (moment, pick.getrandbits(56), sender[1].split("@")[1])
        quoted = "\n\n%s wrote:\n" % thread[3] + "\n".join("> " + line for line in thread[4].split("\n")[:200]) if thread else ""
        self.threads = self.threads[-300:] + [(language, subject, identity, sender[0], body)]
        name = lambda text: text if text.isascii() else Header(text, "utf-8").encode(linesep="\n")
        head = ["Return-Path: <%s>" % sender[1],
                "Received: from mx%d.example (mx.example [192.0.2.%d])\n\tby mail.lab.example with ESMTPS id %X;\n\t%s"
                % (pick.randrange(9), pick.randrange(1, 255), pick.getrandbits(44), formatdate(moment))]
        if pick.random() < 0.6:
            head.append("DKIM-Signature: v=1; a=rsa-sha256; d=example; s=sel;\n\tbh=%s;\n\tb=%s" % (
                base64.b64encode(pick.randbytes(32)).decode(),
                "\n\t ".join(base64.b64encode(pick.randbytes(51)).decode() for _ in range(4))))
        head += ["From: %s <%s>" % (name(sender[0]), sender[1]),
                 "To: " + ",\n\t".join("%s <%s>" % (name(who), at) for who, at in to),
                 "Subject: " + ("Re: " if thread else "") + name(subject), "Date: " + formatdate(moment - 90),
                 "Message-ID: " + identity, "MIME-Version: 1.0"]
        if thread:
            head += ["In-Reply-To: " + thread[2], "References: " + thread[2]]
        part = self.text_part(body + quoted, "plain").encode()
        if pick.random() < 0.4:
            html = "<html><body>\n" + "".join("<p class=\"MsoNormal\">%s</p>\n" % row for row in body.split("\n\n")) + "</body></html>"
            part = self.multipart("alternative", [part, self.text_part(html, "html").encode()])
        if number in self.plans:
            parts = [part]
            for index, width in self.plans[number]:
                ending, kind, _ = KINDS[self.pool[index][2]]
                parts.append(("Content-Type: %s\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; "
                              "filename=\"file-%d.%s\"\n\n" % (kind, index, ending)).encode() + self.attachment(index, width))
            part = self.multipart("mixed", parts)
        return ("\n".join(head) + "\n").encode() + part, is_mine

    def folder(self, mailbox):
        return self.out if mailbox == "INBOX" else os.path.join(self.out, "." + modified_utf7(mailbox))

    def write(self):
        for mailbox in self.mailboxes:
            for name in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(self.folder(mailbox), name), exist_ok=True)
            with open(os.path.join(self.folder(mailbox), "dovecot-keywords"), "w") as file:
                file.writelines("%d %s\n" % pair for pair in enumerate(KEYWORDS))
        total, previous, pick = 0, None, self.pick
        moments = sorted(pick.randrange(1388534400, 1704067200) for _ in range(self.count))
        for number, moment in enumerate(moments):
            mailbox = pick.choices(self.mailboxes, self.weights)[0]
            if previous and pick.random() < 0.015:
                octets, is_mine = previous, False
            else:
                octets, is_mine = self.message(number, moment)
                previous = octets if len(octets) < 60000 else previous
            if is_mine and pick.random() < 0.8:
                mailbox = "Sent"
            flags = "".join(letter for letter, chance in (("F", 0.05), ("R", 0.18), ("S", 0.85)) if pick.random() < chance)
            flags += "".join(chr(97 + index) for index in range(4) if pick.random() < 0.04)
            path = os.path.join(self.folder(mailbox), "cur", "%d.M%06dP%d.lab,S=%d,W=%d:2,%s" % (
                moment, pick.randrange(10 ** 6), number, len(octets), len(octets) + octets.count(b"\n"), flags))
            with open(path, "wb") as file:
                file.write(octets)
            os.utime(path, (moment, moment))
            total += len(octets)
        return total


def write_small(path, count, seed):
    """Short notes between 400 people; no two alike."""
    pick, words = random.Random(seed), Words("en")
    os.makedirs(path)
    for start in range(0, count, 5000):
        with open("%s/notes-%d" % (path, start // 5000), "w") as file:
            for number in range(start, min(count, start + 5000)):
                write_note(file, number, seed, pick, words)
    print("%d small messages" % count)


def write_note(file, number, seed, pick, words):
    sender, to, moment = pick.randrange(400), pick.randrange(400), 1388534400 + 1500 * number + seed
    file.write("From person%d@firm.example %s\nFrom: person%d@firm.example\nTo: person%d@firm.example\n"
               "Subject: %s\nDate: %s\nMessage-ID: <%d.%x@firm.example>\n\n" % (
                   sender, time.asctime(time.gmtime(moment)), sender, to, " ".join(words.take(pick, 5)),
                   formatdate(moment), seed, number))
    for _ in range(pick.randrange(4, 16)):
        file.write(" ".join(words.take(pick, 12)) + "\n")
    file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int)
    parser.add_argument("--small", type=int)
    options = parser.parse_args()
    if options.small:
        return write_small(options.out, options.small, options.seed)
    corpus = Corpus(options.out, options.scale, options.seed, options.texts)
    total = corpus.write()
    print("%d messages in %d mailboxes, %.3f GiB" % (corpus.count, len(corpus.mailboxes), total / 2 ** 30))


main()
