#!/usr/bin/env python3
"""Somebody else's mail server that takes mail over TLS from who logs in; shares no code with mailarc.

relay-smtp.py CERTIFICATE KEY LOG [HOST:PORT]    prints its port; LOG gets a line "user sender recipient…" for each message it took
"""
import base64, socket, ssl, sys, threading

certificate, key, log = sys.argv[1:4]
host, _, port = (sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1:0").rpartition(":")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
lock = threading.Lock()

def serve(plug):
    user, sender, recipients, rest, isTLS = None, "", [], plug.makefile("rb"), False

    def say(text):
        plug.sendall(text.encode() + b"\r\n")
    say("220 relay.test ESMTP")
    while True:
        line = rest.readline().decode("latin-1").strip()
        if not line:
            return
        word = line.upper().split(" ")[0]
        if word in ("EHLO", "HELO"):
            say("250-relay.test")
            say("250 AUTH PLAIN" if isTLS else "250 STARTTLS")
        elif word == "STARTTLS":
            say("220 go on")
            plug = context.wrap_socket(plug, server_side=True)
            rest, isTLS = plug.makefile("rb"), True
        elif word == "AUTH" and isTLS and line.upper().startswith("AUTH PLAIN "):
            _, name, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            user = name if password == f"secret of {name}" else None
            say("235 welcome" if user else "535 5.7.8 no")
        elif user is None and word in ("MAIL", "RCPT", "DATA"):
            say("530 5.7.0 log in first")
        elif word == "MAIL":
            sender, recipients = line.split("<")[1].split(">")[0], []
            say("250 ok")
        elif word == "RCPT":
            recipients.append(line.split("<")[1].split(">")[0])
            say("250 ok")
        elif word == "DATA":
            say("354 go on")
            while rest.readline() not in (b".\r\n", b""):
                pass
            with lock, open(log, "a") as file:
                file.write(" ".join([user, sender] + recipients) + "\n")
            say("250 taken")
        elif word == "QUIT":
            say("221 bye")
            return
        else:
            say("250 ok" if word in ("RSET", "NOOP") else "502 no")

listener = socket.create_server((host, int(port)))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
