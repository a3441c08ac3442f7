"""What a healthy route loses while another, through the same sidecar, is in trouble: `STAND timeouts|aborts`.

timeouts: h2load asks a route with a limit of 20 ms for what takes 150 ms, up to 2,000 times a second for some seconds.
aborts: two clients ask and hang up after some milliseconds, again and again. The healthy route gets 20 clients all the while.
"""

import asyncio
import re
import subprocess
import sys
import time

import honest

SECONDS = 6


async def healthy(port, counts, until, path="/pages/healthy"):
    """Asks on a connection of its own, again and again."""
    reader = writer = None
    try:
        while time.monotonic() < until:
            if writer is None:
                reader, writer = await asyncio.open_connection(honest.HOST, port)
            counts["asked"] += 1
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: peers.test\r\n\r\n".encode())
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
                size = int(re.search(rb"content-length: (\d+)", head).group(1))
                await asyncio.wait_for(reader.readexactly(size), 20)
                status = head.split(b" ", 2)[1].decode()
                reason = re.search(rb"x-weft-reason: ([^\r]*)", head)
                status = "ok" if status == "200" else status + (f" {reason.group(1).decode()}" if reason else "")
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                status, writer = type(error).__name__, None
            honest.tally(counts, status)
            if status != "ok":
                counts["failed"] += 1
            await asyncio.sleep(0.02)
    finally:
        if writer is not None:
            writer.close()


async def drained(reader):
    while await reader.read(1 << 16):
        pass


async def aborting(port, counts, until):
    """Asks over HTTP/2 on one connection and resets each stream a moment later, as a client that changes its mind."""
    import http2
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection(honest.HOST, port)
        writer.write(http2.PREFACE + http2.frame(http2.SETTINGS))
        counts["connections of the others"] += 1
        stream = 1
        sink = asyncio.create_task(drained(reader))
        try:
            while time.monotonic() < until and not sink.done():
                streams = range(stream, stream + 40, 2)
                writer.write(b"".join(http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, number,
                                                  http2.head("GET", "/pages/aborted")) for number in streams))
                await asyncio.sleep(0.01)
                # One of twenty is waited for.
                writer.write(b"".join(http2.frame(http2.RST_STREAM, 0, number, (8).to_bytes(4)) for number in list(streams)[1:]))
                counts["aborted"] += 19
                stream += 40
                await asyncio.sleep(0.01)
        except OSError:
            pass
        sink.cancel()
        writer.close()


async def main(stand, trouble):
    port = stand["ports"]["plain"]
    counts = {"asked": 0, "failed": 0}
    until = time.monotonic() + SECONDS
    good = [asyncio.create_task(healthy(port, counts, until)) for _ in range(20)]
    await asyncio.sleep(0.5)
    if trouble == "timeouts":
        # A client of frames would be as slow as this one; h2load asks on 4 connections of HTTP/1.1 fashion, 15 at a time each.
        load = await asyncio.create_subprocess_exec(
            "h2load", "-c", "4", "-m", "15", "-D", str(SECONDS - 2), f"http://{honest.HOST}:{port}/pages/hurried/x",
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out, _ = await load.communicate()
        codes = re.search(rb"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
        counts["timeouts"] = int(codes.group(4)) if codes else 0
        counts["a second"] = round(counts["timeouts"] / (SECONDS - 2))
    else:
        counts |= {"aborted": 0, "connections of the others": 0}
        await asyncio.gather(*(aborting(port, counts, until) for _ in range(2)))
    await asyncio.gather(*good)
    honest.report(**counts)


stand = honest.stand()
honest.child(sys.executable, f"{honest.HERE}/slow_server.py", str(stand["ports"]["pages"]))
asyncio.run(main(stand, honest.words()[0]))
