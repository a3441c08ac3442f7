"""Requests that meet the idle close of a real server: `STAND SERVER`, where SERVER is `node`, `uvicorn` or `stale`.

First it measures how long the server itself keeps a connection, about a second. Then five lanes for each method, each with a pooled
connection of its own, send 12 requests at that pace, from 1.5 ms before the close of their connection to 0.7 ms after it.
`stale` closes whenever a second request arrives on a connection. Prints for each method how many of 60 were lost, and how.
"""

import asyncio
import sys
import time

import honest

LANES, REQUESTS = 5, 12
METHODS = ("GET", "PUT", "POST")


def kept(port):
    """For how long the server keeps a connection on which an answer has been read, seconds."""
    times = []
    for _ in range(3):
        line = honest.Line(port)
        line.ask("GET", "/")
        began = time.monotonic()
        line.socket.settimeout(10)
        assert line.socket.recv(1) == b""
        times.append(time.monotonic() - began)
    return sorted(times)[1]


class Client:
    """One keep-alive connection to the proxy."""

    def __init__(self, port, method, path):
        body = b"\r\n" if method == "GET" else b"Content-Length: 4\r\n\r\nbody"
        self.port, self.bytes = port, f"{method} {path} HTTP/1.1\r\nHost: peers.test\r\n".encode() + body
        self.writer = None

    async def ask(self):
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection(honest.HOST, self.port)
            self.writer.write(self.bytes)
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            await self.reader.readexactly(int(fields.get(b"content-length", 0)))
            status = head.split(b" ", 2)[1].decode()
            return "ok" if status == "200" else status + " " + fields.get(b"x-weft-reason", b"").decode()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.writer = None
            return type(error).__name__


async def lane(client, kept_for, lost):
    await client.ask()
    for number in range(REQUESTS):
        await asyncio.sleep(kept_for - 0.0015 + number * 0.0002)
        what = await client.ask()
        if what != "ok":
            honest.tally(lost, what)


async def main(port, kept_for):
    lost = {method: {} for method in METHODS}
    lanes = [(method, f"/lane{place * LANES + number}/x") for place, method in enumerate(METHODS) for number in range(LANES)]
    await asyncio.gather(*(lane(Client(port, method, path), kept_for, lost[method]) for method, path in lanes))
    honest.report(kept_ms=round(kept_for * 1000), asked=LANES * REQUESTS,
                  **{method: sum(seen.values()) for method, seen in lost.items()},
                  **{f"{method} lost": seen for method, seen in lost.items()})


stand = honest.stand()
app = stand["ports"]["one"]
which = honest.words()[0]
honest.server(*{
    "node": ("node", f"{honest.HERE}/idle_node.mjs", str(app), "1"),
    "uvicorn": (sys.executable, "-m", "uvicorn", "idle_app:asgi", "--port", str(app), "--timeout-keep-alive", "1", "--log-level", "critical"),
    "stale": (sys.executable, f"{honest.HERE}/stale_server.py", str(app)),
}[which], port=app, env={"PYTHONPATH": honest.HERE, "PYTHONDONTWRITEBYTECODE": "1"})
asyncio.run(main(stand["ports"]["plain"], 0.05 if which == "stale" else kept(app)))
