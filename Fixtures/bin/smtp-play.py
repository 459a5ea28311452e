#!/usr/bin/env python3
"""SMTP and LMTP clients of the tests; shares no code with mailarc.

smtp-play.py send ADDRESS --sender A --recipient B [--count N] [--first K] [--threads T] [--octets O] [--lmtp]
    sends N numbered messages (header field X-Number); prints the numbers that were acknowledged, one a line
smtp-play.py say ADDRESS < transcript
    C: text          sends text and CRLF          X: text     sends text with Python escapes, nothing added
    S: prefix        one reply line begins so     R: prefix   the last line of a reply begins so
    T:               begins TLS                   E:          the server closes
smtp-play.py flood ADDRESS --seconds S [--seed N]
    sends what no client would for S seconds; prints how many connections there were
smtp-play.py hold ADDRESS --count N [--text T]
    opens N connections, reads each greeting, sends T on each, prints "held" and waits to be ended

ADDRESS: unix:/path or HOST:PORT
"""
import argparse, random, signal, smtplib, socket, ssl, sys, threading, time

def connect(address, timeout=600):
    if address.startswith("unix:"):
        plug = socket.socket(socket.AF_UNIX)
        plug.settimeout(timeout)
        plug.connect(address[5:])
    else:
        host, port = address.rsplit(":", 1)
        plug = socket.create_connection((host.strip("[]"), int(port)), timeout)
    return plug

def message(number, options):
    head = (f"From: {options.sender}\r\nTo: list@play.test\r\nSubject: number {number}\r\n"
            f"Message-ID: <{number}.{options.label}@play.test>\r\nX-Number: {number}\r\n\r\n")
    line = f"This is message {number}. ".ljust(70, "x") + "\r\n"
    body = ".dots\r\n..\r\n.\r\n" + line * max(1, options.octets // len(line))
    return (head + body).encode()

class Client(smtplib.SMTP):
    """Over any address."""
    def __init__(self, address):
        self.address = address
        super().__init__("there", 1, local_hostname="play.test", timeout=600)

    def _get_socket(self, host, port, timeout):
        return connect(self.address, timeout)

def send(options):
    numbers = list(range(options.first, options.first + options.count))
    lock, failures = threading.Lock(), []

    def work():
        client = None
        while True:
            with lock:
                if not numbers:
                    break
                number = numbers.pop(0)
            try:
                if client is None:
                    client = Client(options.address)
                    if options.lmtp:
                        client.ehlo_or_helo_if_needed = lambda: None
                        code, words = client.docmd("LHLO", "play.test")
                        assert code == 250, words
                    else:
                        client.ehlo()
                for command in [f"MAIL FROM:<{options.sender}>"] + [f"RCPT TO:<{to}>" for to in options.recipient]:
                    code, words = client.docmd(command)
                    if code != 250:
                        raise smtplib.SMTPResponseException(code, words)
                client.putcmd("DATA")
                code, words = client.getreply()
                if code != 354:
                    raise smtplib.SMTPResponseException(code, words)
                text = message(number, options)
                client.send(b"\r\n".join(b"." + l if l.startswith(b".") else l for l in text.split(b"\r\n")) + b".\r\n")
                replies = [client.getreply() for _ in (options.recipient if options.lmtp else [0])]
                bad = [reply for reply in replies if reply[0] != 250]
                if bad:
                    raise smtplib.SMTPResponseException(*bad[0])
                with lock:
                    print(number, flush=True)
            except Exception as error:
                with lock:
                    failures.append(f"{number}: {error}")
                client = None
        if client is not None:
            try:
                client.quit()
            except Exception:
                pass

    threads = [threading.Thread(target=work) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print("FAILED", failure, file=sys.stderr)

class Talk:
    def __init__(self, address):
        self.plug, self.rest = connect(address, 30), b""

    def line(self):
        while b"\n" not in self.rest:
            piece = self.plug.recv(65536)
            if not piece:
                return None
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

def say(options):
    talk, log = Talk(options.address), []
    for number, text in enumerate(sys.stdin.read().split("\n"), 1):
        kind, _, rest = text.partition(":")
        rest = rest[1:] if rest.startswith(" ") else rest

        def fail(found):
            print("\n".join(log))
            sys.exit(f"line {number}: {text!r}: found {found!r}")
        if kind == "C":
            talk.plug.sendall(rest.encode() + b"\r\n")
        elif kind == "X":
            talk.plug.sendall(rest.encode().decode("unicode_escape").encode("latin-1"))
        elif kind in "SR" and kind:
            line = talk.line()
            log.append(f"S: {line}")
            while kind == "R" and line and line[3:4] == "-":
                line = talk.line()
                log.append(f"S: {line}")
            if line is None or not line.startswith(rest):
                fail(line)
        elif kind == "T":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            talk.plug = context.wrap_socket(talk.plug, server_hostname="localhost")
        elif kind == "E":
            try:
                line = talk.line()
            except ConnectionError:
                line = None
            if line is not None:
                fail(line)
        elif text.strip():
            sys.exit(f"line {number}: not understood: {text}")
    print("\n".join(log))

def flood(options):
    chance = random.Random(options.seed)
    words = [b"EHLO a\r\n", b"LHLO a\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n", b"BDAT 9\r\n",
             b"BDAT 9999999 LAST\r\n", b"RSET\r\n", b"\r\n.\r\n", b".\r\n", b"\n", b"\r", b"\0", b"STARTTLS\r\n", b"x" * 3000,
             b"BDAT 99999999999999999\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"QUIT\r\n", "ü\r\n".encode()]
    end, count = time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        try:
            plug = connect(options.address, 5)
        except OSError as error:
            sys.exit(f"no connection after {count}: {error}")
        count += 1
        try:
            for _ in range(chance.randrange(1, 30)):
                octets = chance.choice(words)
                if chance.random() < 0.2:
                    octets = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400)))
                plug.sendall(octets)
            if chance.random() < 0.5:
                plug.settimeout(0.02)
                plug.recv(65536)
        except OSError:
            pass
        plug.close()
    print(count)

def hold(options):
    plugs = [connect(options.address) for _ in range(options.count)]
    for plug in plugs:
        assert plug.recv(4096).startswith(b"220"), "no greeting"
        if options.text:
            plug.sendall(options.text.encode().decode("unicode_escape").encode("latin-1"))
    print("held", flush=True)
    signal.pause()

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["send", "say", "flood", "hold"])
    parser.add_argument("address")
    parser.add_argument("--sender", default="")
    parser.add_argument("--recipient", action="append", default=[])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--octets", type=int, default=500)
    parser.add_argument("--label", default="a")
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text", default="")
    options = parser.parse_args()
    {"send": send, "say": say, "flood": flood, "hold": hold}[options.command](options)

main()
