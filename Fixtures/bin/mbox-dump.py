#!/usr/bin/env python3
"""mbox-dump.py FOLDER: one line a message of a tree of mboxrd files, as imap-dump.py prints what a server gives.

mailbox TAB sha256 TAB octets TAB flags TAB date of the From_ line (seconds, UTC); sorted. Status, X-Status, X-Keywords,
X-UID and X-IMAP(base) are the mailbox's, not the message's. Mailboxes inside others are in NAME.sbd/ or NAME/.
"""
import base64
import calendar
import hashlib
import os
import re
import sys
import time

OWN = re.compile(rb"(?i)^(status|x-status|x-keywords|x-uid|x-imap|x-imapbase):")
FLAGS = {"R": "\\Seen", "A": "\\Answered", "F": "\\Flagged", "D": "\\Deleted", "T": "\\Draft"}


def decode_name(text):
    def run(match):
        coded = match.group(1)
        if not coded:
            return "&"
        return base64.b64decode(coded.replace(",", "/") + "=" * (-len(coded) % 4)).decode("utf-16-be")
    return re.sub("&([^-]*)-", run, text)


def message(name, first, lines):
    if lines and lines[-1].strip(b"\r\n") == b"":
        lines = lines[:-1]
    kept, flags, is_header, is_own = [], set(), True, False
    for line in lines:
        if is_header and not line.strip(b"\r\n"):
            is_header = False
        if is_header:
            is_own = is_own if line[:1] in b" \t" else bool(OWN.match(line))
            if is_own:
                key, _, value = line.decode().partition(":")
                if key.lower() in ("status", "x-status"):
                    flags.update(FLAGS[letter] for letter in value.strip() if letter in FLAGS)
                elif key.lower() == "x-keywords":
                    flags.update(value.split())
                continue
        kept.append(line[1:] if re.match(rb">+From ", line) else line)
    octets = b"".join(kept)
    date = calendar.timegm(time.strptime(" ".join(first.decode().split()[2:7])))
    return "%s\t%s\t%d\t%s\t%d" % (name, hashlib.sha256(octets).hexdigest(), len(octets), " ".join(sorted(flags)), date)


def main():
    root, out = sys.argv[1], []
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith("."):
                continue
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, root).split(os.sep)
            title = ".".join(decode_name(re.sub(r"\.sbd$", "", part)) for part in parts)
            first, lines = None, []
            with open(path, "rb") as file:
                for line in file:
                    if line.startswith(b"From "):
                        if first:
                            out.append(message(title, first, lines))
                        first, lines = line, []
                    else:
                        lines.append(line)
            if first:
                out.append(message(title, first, lines))
    sys.stdout.write("".join(line + "\n" for line in sorted(out)))


main()
