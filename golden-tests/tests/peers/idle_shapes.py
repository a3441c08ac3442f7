"""Fourteen ways to hold an HTTP/2 connection and say little or nothing: `STAND SECONDS`.

Prints for each after how many seconds the proxy ended it, or `held` if it did not in so many; and how many requests of an honest client
failed meanwhile. The proxy is started with short limits.
"""

import sys
import threading
import time

import honest
import http2
from http2 import END_HEADERS, END_STREAM, frame, head

LIMIT = float(honest.words()[0])
EVERY = 0.4


def request(path="/two/x", flags=END_HEADERS | END_STREAM, method="GET", stream=1):
    return frame(http2.HEADERS, flags, stream, head(method, path))


def ping():
    return frame(http2.PING, 0, 0, b"12345678")


def shapes():
    """For each: the first bytes, and what is sent again and again, if anything."""
    start = http2.PREFACE + frame(http2.SETTINGS)
    no_window = http2.PREFACE + http2.settings(initial_window=0)
    block = request(flags=END_STREAM)
    return {
        "nothing at all": (b"", None),
        "half a preface": (http2.PREFACE[:12], None),
        "nothing after the preface": (http2.PREFACE, None),
        "settings only": (start, None),
        "half a frame head": (start + b"\0\0\x20\1", None),
        "half a block": (start + request()[:30], None),
        "continuation trickles": (start + block, lambda: frame(http2.CONTINUATION, 0, 1, http2.literal("x-more", "x"))),
        "pings for ever": (start, ping),
        "a body trickles": (start + request("/two/hurried/x", END_HEADERS, "POST"), lambda: frame(http2.DATA, 0, 1, b"x")),
        "an answer unread": (no_window + request("/two/hurried/x"), None),
        "no window, but pings": (no_window + request("/two/hurried/x"), ping),
        "goaway, then nothing": (start + request() + frame(http2.GOAWAY, 0, 0, bytes(8)), None),
        "answered, then nothing": (start + request(), None),
        "answered, then pings": (start + request(), ping),
    }


def hold(port, name, first, again, figures):
    began = time.monotonic()
    client = http2.Raw(port, first)
    while client.ended is None and time.monotonic() - began < LIMIT:
        client.read(EVERY)
        if again is not None and client.ended is None:
            client.send(again())
    took = round(time.monotonic() - began, 1)
    figures[name] = ["held" if client.ended is None else took, "no goaway" if client.goaway is None else f"goaway {client.goaway}"]
    client.close()


def main(stand):
    port = stand["ports"]["plain"]
    honest.child(sys.executable, f"{honest.HERE}/slow_server.py", str(stand["ports"]["two"]))
    figures, threads = {}, []
    for name, (first, again) in shapes().items():
        threads.append(threading.Thread(target=hold, args=(port, name, first, again, figures)))
        threads[-1].start()
    # Asks more often than the limits, and is to notice nothing but closes that were announced.
    counts, client = {"failed": 0, "ok": 0, "connections": 1}, http2.Raw(port)
    while any(thread.is_alive() for thread in threads):
        status, _, body = client.ask("GET", "/two/x")
        if (status, body) == ("200", b"ok"):
            counts["ok"] += 1
        else:
            counts["failed"] += 1
            honest.tally(counts, str(status))
        if client.goaway is not None or client.ended is not None:
            counts["connections"] += 1
            client.close()
            client = http2.Raw(port)
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    honest.report(**figures, honest=counts)


main(honest.stand())
