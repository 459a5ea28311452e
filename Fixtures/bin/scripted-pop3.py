#!/usr/bin/env python3
"""scripted-pop3.py MODES FOLDER: a POP3 server that serves the files of a folder, and misbehaves as it is told.

Prints the port of its free loopback listener, then serves until it is killed; each connection in a thread of its own.
A file is a message and its name the unique-id; DELE and QUIT remove it. What clients say is appended to FOLDER.log.
MODES, with commas: honest, slow (no PIPELINING), no-capa, no-uidl, repeated-uidl (the unique-id is the name up to "-"),
unstuffed (no dot is put in front of one), drops (the line breaks in RETR of a message with the word DROP-ALWAYS, and
once with DROP-ONCE), refuses (RETR of a message with REFUSE), empty (nothing is sent of a message with EMPTY),
short-size (LIST announces half), long-size (LIST announces too much), expire-0, quit-lost (QUIT deletes and the line
breaks), quit-refused (QUIT deletes nothing and says so), in-use, login-delay (every second login is refused).
"""
import os
import socket
import sys
import threading

MODES, FOLDER = set(sys.argv[1].split(",")), sys.argv[2]
LOCK, DROPPED, LOGINS = threading.Lock(), set(), [0]


class Session:
    def __init__(self, connection):
        self.connection, self.buffer, self.deleted, self.read = connection, b"", set(), set()
        self.names = sorted(os.listdir(FOLDER))
        self.messages = []
        for name in self.names:
            with open(os.path.join(FOLDER, name), "rb") as file:
                self.messages.append(file.read())

    def send(self, text):
        self.connection.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def line(self):
        while b"\r\n" not in self.buffer:
            got = self.connection.recv(65536)
            if not got:
                raise EOFError
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        with LOCK, open(FOLDER + ".log", "ab") as log:
            log.write(line + b"\n")
        return line.decode()

    def lines(self, rows):
        self.send("+OK")
        self.send(b"".join(row.encode() + b"\r\n" for row in rows) + b".\r\n")

    def size(self, octets):
        return len(octets) // 2 if "short-size" in MODES else len(octets) + 7 * ("long-size" in MODES)

    def listed(self):
        return [(number, name, octets) for number, (name, octets)
                in enumerate(zip(self.names, self.messages), 1) if number not in self.deleted]

    def retrieve(self, number):
        octets = self.messages[number - 1]
        if b"REFUSE" in octets and "refuses" in MODES:
            return self.send("-ERR no such luck")
        self.read.add(number)
        if b"EMPTY" in octets and "empty" in MODES:
            octets = b""
        lines = octets.split(b"\r\n")
        if "unstuffed" not in MODES:
            lines = [b"." + line if line.startswith(b".") else line for line in lines]
        sent = b"\r\n".join(lines)
        self.send("+OK message follows")
        if "drops" in MODES and (b"DROP-ALWAYS" in octets or b"DROP-ONCE" in octets and number not in DROPPED):
            DROPPED.add(number)
            self.send(sent[:len(sent) // 2])
            raise EOFError
        self.send(sent + (b"" if not sent or sent.endswith(b"\r\n") else b"\r\n") + b".\r\n")

    def quit(self):
        if "quit-refused" in MODES and self.deleted:
            self.send("-ERR some deleted messages not removed")
            raise EOFError
        gone = self.deleted | (self.read if "expire-0" in MODES else set())
        for number in gone:
            os.remove(os.path.join(FOLDER, self.names[number - 1]))
        if "quit-lost" not in MODES or not self.deleted:
            self.send("+OK bye")
        raise EOFError

    def capabilities(self):
        rows = ["TOP", "USER", "RESP-CODES", "IMPLEMENTATION scripted 1"]
        rows += ["UIDL"] if "no-uidl" not in MODES else []
        rows += ["PIPELINING"] if "slow" not in MODES else []
        return rows + (["EXPIRE 0"] if "expire-0" in MODES else [])

    def login(self):
        LOGINS[0] += 1
        if "in-use" in MODES:
            return self.send("-ERR [IN-USE] another session has it")
        if "login-delay" in MODES and LOGINS[0] % 2 == 0:
            return self.send("-ERR [LOGIN-DELAY] wait a little")
        return self.send("+OK")

    def serve(self):
        self.send("+OK scripted")
        while True:
            words = self.line().split(" ")
            command, number = words[0].upper(), int(words[1]) if words[-1].isdigit() and len(words) > 1 else 0
            if command == "CAPA":
                self.send("-ERR unknown") if "no-capa" in MODES else self.lines(self.capabilities())
            elif command == "USER":
                self.send("+OK")
            elif command == "PASS":
                self.login() if words[1:] == ["secret"] else self.send("-ERR [AUTH] no")
            elif command == "STAT":
                self.send("+OK %d %d" % (len(self.listed()), sum(self.size(row[2]) for row in self.listed())))
            elif command == "LIST":
                self.lines("%d %d" % (row[0], self.size(row[2])) for row in self.listed())
            elif command == "UIDL" and "no-uidl" not in MODES:
                cut = (lambda name: name.split("-")[0]) if "repeated-uidl" in MODES else (lambda name: name)
                self.lines("%d %s" % (row[0], cut(row[1])) for row in self.listed())
            elif command == "RETR" and 1 <= number <= len(self.messages):
                self.retrieve(number)
            elif command == "DELE" and 1 <= number <= len(self.messages):
                self.deleted.add(number)
                self.send("+OK")
            elif command == "NOOP":
                self.send("+OK")
            elif command == "QUIT":
                self.quit()
            else:
                self.send("-ERR unknown")


def attend(connection):
    with connection:
        try:
            Session(connection).serve()
        except (EOFError, OSError):
            pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    threading.Thread(target=attend, args=(client,), daemon=True).start()
