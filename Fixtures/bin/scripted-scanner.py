#!/usr/bin/env python3
"""A spam scanner that answers every connection in one way; shares no code with mailarc.

scripted-scanner.py MODE    prints its port

hang      takes connections and says nothing          close     closes at once
drip      says a long answer octet by octet           noise     says what no protocol has
endless   never ends its answer                       refuse    says that it cannot
"""
import random, socket, sys, threading, time

def serve(plug, mode):
    try:
        if mode == "hang":
            time.sleep(600)
        elif mode == "drip":
            for octet in b"SPAMD/1.1 0 EX_OK\r\nX-Long: " + b"x" * 100_000:
                plug.sendall(bytes([octet]))
                time.sleep(0.05)
        elif mode == "noise":
            plug.sendall(random.Random(1).randbytes(2_000) + b"\r\n\r\n")
        elif mode == "endless":
            while True:
                plug.sendall(b"HTTP/1.1 200 OK\r\n" * 1_000)
        elif mode == "refuse":
            plug.recv(1)
            plug.sendall(b"SPAMD/1.0 76 Bad header line: (EX_PROTOCOL)\r\n\r\n")
        plug.close()
    except OSError:
        pass

listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], sys.argv[1]), daemon=True).start()
