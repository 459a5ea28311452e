#!/usr/bin/env python3
"""imap-dump.py --port P --user U --password W [--host H] [--append FOLDER-OF-EML --mailbox NAME]

An independent IMAP client (imaplib). Prints one line a message, sorted:
mailbox TAB sha256 TAB octets TAB flags TAB internal date (seconds), flags sorted and without \\Recent.
With --append it first adds every file below a folder to a mailbox and prints to standard error which were refused.
"""
import argparse
import base64
import calendar
import email.utils
import hashlib
import imaplib
import os
import re
import sys

imaplib._MAXLINE = 10_000_000


def decode_name(octets):
    """Modified UTF-7 to text."""
    def run(match):
        coded = match.group(1)
        if not coded:
            return "&"
        padded = coded.replace(",", "/") + "=" * (-len(coded) % 4)
        return base64.b64decode(padded).decode("utf-16-be")
    return re.sub("&([^-]*)-", run, octets.decode("utf-8"))


def list_mailboxes(client):
    """(raw name as the server writes it, quoted for sending), without \\Noselect ones."""
    code, rows = client.list()
    assert code == "OK", rows
    for row in rows:
        if row is None:
            continue
        if isinstance(row, tuple):
            flags, name = row[0], row[1]
        else:
            match = re.match(rb'\(([^)]*)\) (?:NIL|"(?:\\.|[^"])*") (.*)$', row)
            flags, name = match.group(1), match.group(2)
            if name.startswith(b'"'):
                name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
        if b"\\noselect" not in flags.lower() and b"\\nonexistent" not in flags.lower():
            yield name


def quoted(name):
    return '"' + name.decode("utf-8").replace("\\", "\\\\").replace('"', '\\"') + '"'


def moment(text):
    return calendar.timegm(email.utils.parsedate_tz(text)[:9]) - email.utils.parsedate_tz(text)[9]


def dump(client, name, out):
    code, data = client.select(quoted(name), readonly=True)
    assert code == "OK", data
    count = int(data[0])
    for first in range(1, count + 1, 50):
        code, data = client.fetch("%d:%d" % (first, min(first + 49, count)), "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        assert code == "OK", data
        rows = []
        for item in data:
            # A row with a literal comes as (head, octets) and its tail as octets of its own.
            if isinstance(item, tuple):
                rows.append([item[0], item[1]])
            elif rows:
                rows[-1][0] += b" " + item
        for head, octets in rows:
            flags = sorted(set(re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()) - {"\\Recent"})
            date = re.search(rb'INTERNALDATE "([^"]*)"', head).group(1).decode().strip()
            out.append("%s\t%s\t%d\t%s\t%d" % (decode_name(name), hashlib.sha256(octets).hexdigest(), len(octets),
                                               " ".join(flags), moment(date)))


def append(client, folder, mailbox):
    client.create(quoted(mailbox.encode()))
    refused = 0
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            with open(os.path.join(root, name), "rb") as file:
                octets = file.read()
            number = sum(octets[:64]) % 1000
            try:
                imaplib.MapCRLF = re.compile(rb"(?!)")  # send the octets as they are
                code, data = client.append(quoted(mailbox.encode()), "(\\Seen)" if number % 2 else None,
                                           imaplib.Time2Internaldate(1_500_000_000 + number * 3600), octets)
            except (imaplib.IMAP4.error, OSError) as error:
                code, data = "NO", error
                if isinstance(error, (imaplib.IMAP4.abort, OSError)):
                    raise
            if code != "OK":
                refused += 1
                print("refused: %s: %s" % (name, data), file=sys.stderr)
    print("refused %d" % refused, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--append")
    parser.add_argument("--mailbox", default="INBOX")
    options = parser.parse_args()
    client = imaplib.IMAP4(options.host, options.port)
    client.login(options.user, options.password)
    if options.append:
        append(client, options.append, options.mailbox)
        client.logout()
        return
    out = []
    for name in list_mailboxes(client):
        dump(client, name, out)
    client.logout()
    sys.stdout.write("".join(line + "\n" for line in sorted(out)))


if __name__ == "__main__":
    main()
