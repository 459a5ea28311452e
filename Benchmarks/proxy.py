#!/usr/bin/env python3
"""proxy.py PORT [--delay MILLISECONDS]: a longer line to a server on loopback, and what went over it.

Listens on a free loopback port, prints it, and hands every connection on to PORT, each direction later by half of the
delay. SIGTERM ends it. At SIGUSR1 it prints one JSON line of the connections since the last one: for each of them its
bursts, that is what the client sent without having been sent anything in between, as the first octets of each, and
whether the server's answer to it came before the client hung up. An answered burst is one round trip; the connection
itself is one more.
"""
import argparse
import asyncio
import json
import os
import signal


class Connection:
    def __init__(self):
        self.bursts, self.is_answered, self.is_over = [], True, False

    def sent(self, octets):
        if self.is_answered:
            self.bursts.append([octets[:40].decode("latin-1"), False])
            self.is_answered = False

    def received(self):
        if self.bursts and not self.is_over:
            self.bursts[-1][1] = True
        self.is_answered = True


async def pump(reader, writer, delay, note):
    """Hands octets on in order, each piece `delay` seconds after it came, however many are on their way."""
    loop, line = asyncio.get_running_loop(), asyncio.Queue()

    async def deliver():
        while True:
            due, octets, noting = await line.get()
            await asyncio.sleep(max(0, due - loop.time()))
            try:
                if octets is None:
                    return writer.write_eof() if writer.can_write_eof() else None
                if noting:
                    noting()
                writer.write(octets)
                await writer.drain()
            except (OSError, RuntimeError):
                return None

    delivering = asyncio.create_task(deliver())
    while True:
        try:
            octets = await reader.read(1 << 18)
        except OSError:
            octets = b""
        noting = note(octets)
        line.put_nowait((loop.time() + delay, octets or None, noting))
        if not octets:
            break
    await delivering


async def serve(port, delay):
    connections = []

    async def connected(client_reader, client_writer):
        connection = Connection()
        connections.append(connection)
        await asyncio.sleep(delay)  # the handshake of TCP: one round trip
        await asyncio.sleep(delay)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)

        def from_client(octets):
            if octets:
                connection.sent(octets)
            else:
                connection.is_over = True

        await asyncio.gather(
            pump(client_reader, server_writer, delay, from_client),
            pump(server_reader, client_writer, delay, lambda octets: connection.received))
        client_writer.close()
        server_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()

    def tell():
        print(json.dumps([connection.bursts for connection in connections]), flush=True)
        connections.clear()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    await over.wait()
    # What is still open ends with the process.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=40, help="of a round trip, in milliseconds")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.delay / 2000))


main()
