#!/usr/bin/env python3
"""floor.py PORT USER PASSWORD [CAFILE]: the physical floor. Fetches everything over one connection and discards it.

Plain, or with TLS where a file of trusted certificates is given.

LIST, then EXAMINE and UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[]) of each mailbox, four mailboxes ahead.
"""
import re
import socket
import ssl
import sys


class Client:
    def __init__(self, port, roots=None):
        self.socket = socket.create_connection(("127.0.0.1", port))
        if roots:
            self.socket = ssl.create_default_context(cafile=roots).wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb", 1 << 20)
        self.file.readline()
        self.messages = self.octets = 0

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def until(self, tag):
        """Lines up to the tagged one; literals are read and dropped."""
        lines, ending = [], tag.encode() + b" "
        while True:
            line = self.file.readline()
            if not line:
                sys.exit("the server hung up")
            if line.startswith(ending):
                return lines
            if line.endswith(b"}\r\n"):
                left = int(line[line.rindex(b"{") + 1:-3])
                self.messages += 1
                self.octets += left
                while left:
                    left -= len(self.file.read(min(left, 1 << 20)))
            else:
                lines.append(line)


def main():
    client = Client(int(sys.argv[1]), *sys.argv[4:5])
    client.send("a LOGIN %s %s" % (sys.argv[2], sys.argv[3]))
    client.until("a")
    client.send('b LIST "" "*"')
    rows = [re.match(rb'\* LIST \((.*?)\) "?.*?"? (.*)\r\n', line) for line in client.until("b")]
    names = [row.group(2).decode() for row in rows if row and b"\\Noselect" not in row.group(1)]
    for index in range(len(names) + 4):
        if index < len(names):
            client.send("e%d EXAMINE %s\r\nf%d UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"
                        % (index, names[index], index))
        if index >= 4 and index - 4 < len(names):
            client.until("e%d" % (index - 4))
            client.until("f%d" % (index - 4))
    print("%d messages, %.1f MB" % (client.messages, client.octets / 1e6))


main()
