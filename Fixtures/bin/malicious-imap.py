#!/usr/bin/env python3
"""malicious-imap.py MODE [CERTIFICATE KEY]: an IMAP server that misbehaves, for tests of what a client survives.

Prints the port of its free loopback listener, then serves until it is killed; each connection in a thread of its own.
One mailbox INBOX with two messages unless the mode says otherwise. Modes: see MODES.
"""
import socket
import ssl
import sys
import threading

MESSAGES = {1: b"Subject: one\r\n\r\nfirst\r\n", 2: b"Subject: two\r\n\r\nsecond\r\n"}
# What mail servers refuse to store; only a scripted one can serve it.
ODD = [b"", b"Subject: nul\r\n\r\na\0\0b\r\n", b"Subject: cr\rX: b\r\rbody\r", b"Subject: lf\n\nbody\nmore",
       b"Subject: mixed\r\nX: b\n\r\nbody\n\rend\r\n\n", b"Subject: \xe9\xff\xfe\r\n\r\nb\r\n", bytes(range(256)),
       b"Subject: long\r\n\r\n" + b"y" * (60 << 20), b")\r\nf1 OK done\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"]
EVIL_NAMES = ["../../../escaped", "/absolute", "a/../../b", "..", ".", "x\\0y", "line\\nfeed", "con.cur", "cur", "-a -rf"]
MODES = ["honest", "endless-line", "endless-greeting", "huge-literal", "endless-literal", "flood", "wrong-tag", "hang-up",
         "garbage-after-starttls", "starttls-stripped", "injected-after-starttls", "evil-names", "nul-name", "refuses-one",
         "short-literal", "bye", "uid-zero", "million-mailboxes", "deep-parentheses", "lying-count", "odd"]


class Session:
    def __init__(self, connection, mode, context):
        self.connection, self.mode, self.context, self.buffer = connection, mode, context, b""
        self.messages = dict(enumerate(ODD, 1)) if mode == "odd" else MESSAGES

    def send(self, octets):
        self.connection.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def line(self):
        while b"\r\n" not in self.buffer:
            got = self.connection.recv(65536)
            if not got:
                raise EOFError
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def literal(self, line):
        """A command with its literals joined, continuation requests answered."""
        while line.endswith(b"}"):
            count = line[line.rindex(b"{") + 1:-1]
            if not count.endswith(b"+"):
                self.send("+ go\r\n")
            count = int(count.rstrip(b"+"))
            while len(self.buffer) < count:
                self.buffer += self.connection.recv(65536)
            line, self.buffer = line + self.buffer[:count], self.buffer[count:]
            line += self.line()
        return line

    def endless(self, octets):
        while True:
            self.send(octets)

    def capabilities(self):
        return "IMAP4rev1 UIDPLUS LITERAL+" + (" STARTTLS" if self.context and self.mode != "starttls-stripped" else "")

    def serve(self):
        if self.mode == "endless-greeting":
            self.endless(b"* OK " + b"x" * 65536)
        if self.mode == "bye":
            return self.send("* BYE go away\r\n")
        self.send("* OK [CAPABILITY %s] ready\r\n" % self.capabilities())
        while True:
            words = self.literal(self.line()).split(b" ")
            tag, verb = words[0].decode(), words[1].decode().upper()
            rest = words[2:]
            if verb == "UID":
                verb, rest = "UID " + rest[0].decode().upper(), rest[1:]
            if not self.answer(tag, verb, b" ".join(rest)):
                return

    def answer(self, tag, verb, rest):
        if verb == "CAPABILITY":
            self.send("* CAPABILITY %s\r\n" % self.capabilities())
        elif verb == "STARTTLS":
            return self.start_tls(tag)
        elif verb == "AUTHENTICATE" and b" " not in rest:
            self.send("+ \r\n")
            self.line()
        elif verb == "LIST":
            self.list_mailboxes()
        elif verb in ("SELECT", "EXAMINE"):
            self.select()
        elif verb == "STATUS":
            name = rest[:rest.rindex(b" (")]
            self.send(b"* STATUS " + name + b" (MESSAGES %d UIDNEXT %d UIDVALIDITY 1)\r\n"
                      % (len(self.messages), len(self.messages) + 1))
        elif verb in ("FETCH", "UID FETCH"):
            if not self.fetch(tag, rest):
                return True
        elif verb in ("SEARCH", "UID SEARCH"):
            self.send("* SEARCH %s\r\n" % " ".join(map(str, self.messages)))
        elif verb == "LOGOUT":
            self.send("* BYE\r\n%s OK bye\r\n" % tag)
            return False
        if self.mode == "wrong-tag" and verb in ("SELECT", "EXAMINE"):
            self.send("zz%s OK done\r\n" % tag)
        else:
            self.send("%s OK done\r\n" % tag)
        return True

    def start_tls(self, tag):
        if self.mode == "starttls-stripped":
            self.send("%s BAD unknown command\r\n" % tag)
            return True
        if self.mode == "garbage-after-starttls":
            self.send("%s OK go\r\n" % tag)
            self.endless(b"this is not TLS \x00\xff" * 100)
        if self.mode == "injected-after-starttls":
            # In the same segment as the OK: a client that keeps it would take plaintext for protected answers.
            self.send("%s OK go\r\n* CAPABILITY IMAP4rev1 INJECTED\r\n" % tag)
        else:
            self.send("%s OK go\r\n" % tag)
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.buffer = b""
        return True

    def list_mailboxes(self):
        if self.mode == "endless-line":
            self.endless(b"* LIST () \".\" " + b"x" * 65536)
        if self.mode == "flood":
            self.send(b"* 1 EXISTS\r\n* 2 RECENT\r\n* OK [ALERT] hello\r\n* 3 EXPUNGE\r\n" * 200_000)
        if self.mode == "deep-parentheses":
            self.send(b"* LIST " + b"(" * 2_000_000 + b"\r\n")
        if self.mode == "million-mailboxes":
            for first in range(0, 1_000_000, 10_000):
                self.send("".join("* LIST () \".\" \"box%d\"\r\n" % n for n in range(first, first + 10_000)))
        self.send("* LIST (\\HasNoChildren) \".\" INBOX\r\n")
        if self.mode == "evil-names":
            for name in EVIL_NAMES:
                self.send("* LIST () \"/\" {%d}\r\n%s\r\n" % (len(name), name))
        if self.mode == "nul-name":
            self.send(b"* LIST () \"/\" {7}\r\nnul\x00box\r\n")

    def select(self):
        count = 4_000_000_000 if self.mode == "lying-count" else len(self.messages)
        self.send("* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT %d] n\r\n"
                  % (count, len(self.messages) + 1))

    def fetch(self, tag, rest):
        """False when the tagged answer was already given."""
        wants_octets = b"BODY" in rest.upper() or b"RFC822" in rest.upper().replace(b"RFC822.SIZE", b"")
        wanted = rest.split(b" ")[0].decode()
        for uid, octets in self.messages.items():
            if not covers(wanted, uid):
                continue
            facts = "UID %d FLAGS (\\Seen) INTERNALDATE \"01-Jan-2024 00:00:00 +0000\" RFC822.SIZE %d" % (
                0 if self.mode == "uid-zero" else uid, len(octets))
            if not wants_octets:
                self.send("* %d FETCH (%s)\r\n" % (uid, facts))
                continue
            if self.mode == "refuses-one" and uid == 1:
                self.send("%s NO [SERVERBUG] message cannot be read\r\n" % tag)
                return False
            if self.mode == "hang-up":
                self.send(b"* 1 FETCH (UID 1 BODY[] {5000}\r\nSubject: half")
                self.connection.shutdown(socket.SHUT_WR)
                raise EOFError
            if self.mode == "huge-literal":
                self.send(b"* 1 FETCH (UID 1 BODY[] {4294967295}\r\nSubject: huge")
                raise EOFError
            if self.mode == "endless-literal":
                self.send(b"* 1 FETCH (UID 1 BODY[] {9223372036854775807}\r\n")
                self.endless(b"y" * 65536)
            announced = len(octets) - 4 if self.mode == "short-literal" else len(octets)
            self.send("* %d FETCH (%s BODY[] {%d}\r\n" % (uid, facts, announced))
            self.send(octets)
            self.send(")\r\n")
        return True


def covers(text, uid):
    for piece in text.split(","):
        ends = [2 ** 32 if end == "*" else int(end) for end in piece.split(":")]
        if min(ends) <= uid <= max(ends):
            return True
    return False


def handle(connection, mode, context):
    try:
        Session(connection, mode, context).serve()
    except (EOFError, OSError, ssl.SSLError, ValueError, IndexError):
        pass
    finally:
        connection.close()


def main():
    mode = sys.argv[1]
    if mode not in MODES:
        sys.exit("modes: " + " ".join(MODES))
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=handle, args=(connection, mode, context), daemon=True).start()


main()
