#!/usr/bin/env python3
"""maildir-dump.py MAILDIR: one line a message of a Maildir++ tree, as imap-dump.py prints what a server gives.

mailbox TAB sha256 TAB octets TAB flags TAB internal date (seconds, from the file time); sorted. The octets are taken
as they lie there. A second argument, "lf", counts LF as CRLF first, for trees that a mail server keeps.
"""
import base64
import hashlib
import os
import re
import sys

LETTERS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "T": "\\Deleted", "D": "\\Draft", "P": "$Forwarded"}


def decode_name(text):
    def run(match):
        coded = match.group(1)
        if not coded:
            return "&"
        return base64.b64decode(coded.replace(",", "/") + "=" * (-len(coded) % 4)).decode("utf-16-be")
    return re.sub("&([^-]*)-", run, text)


def keywords(folder):
    table = dict(LETTERS)
    try:
        with open(os.path.join(folder, "dovecot-keywords"), encoding="utf-8") as file:
            for line in file:
                number, name = line.rstrip("\n").split(" ", 1)
                table[chr(97 + int(number))] = name
    except FileNotFoundError:
        pass
    return table


def main():
    root, as_crlf = sys.argv[1], len(sys.argv) > 2
    boxes = {"INBOX": root}
    boxes.update((decode_name(name[1:]), os.path.join(root, name)) for name in os.listdir(root)
                 if name.startswith(".") and os.path.isdir(os.path.join(root, name, "cur")))
    lines = []
    for box, folder in boxes.items():
        table = keywords(folder)
        for part in ("cur", "new"):
            # A mailbox whose making was interrupted may lack a folder.
            path = os.path.join(folder, part)
            for name in os.listdir(path) if os.path.isdir(path) else []:
                path = os.path.join(folder, part, name)
                letters = name.rsplit(":2,", 1)[1] if ":2," in name else ""
                with open(path, "rb") as file:
                    octets = file.read()
                if as_crlf:
                    octets = re.sub(rb"\r?\n", b"\r\n", octets)
                flags = sorted(set(table.get(letter, letter) for letter in letters))
                lines.append("%s\t%s\t%d\t%s\t%d" % (box, hashlib.sha256(octets).hexdigest(), len(octets),
                                                     " ".join(flags), int(os.stat(path).st_mtime)))
    sys.stdout.write("".join(line + "\n" for line in sorted(lines)))


main()
