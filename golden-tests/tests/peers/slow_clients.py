"""Four hundred slow clients of each of seven kinds, and an honest one beside them: `STAND SECONDS`.

Prints for each kind after how many seconds the last of them was ended, and how many were still held after so many seconds; the growth of
the gateway's memory in KiB at its largest and at the end; and what the honest client got. The proxy is started with short limits.
"""

import asyncio
import re
import resource
import socket
import threading
import time

import honest

EACH, LIMIT, EVERY = 400, float(honest.words()[0]), 0.5
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(32)


def kinds():
    """For each: which port, the first bytes, what is sent again and again, and whether answers are read."""
    head = b"HTTP/1.1\r\nHost: peers.test\r\n"
    return {
        "nothing": ("plain", b"", b"", True),
        "half a line": ("plain", b"GET /one/hur", b"", True),
        "a head that trickles": ("plain", b"GET /one/hurried/x " + head + b"X-Slow: ", b"x", True),
        "a body that trickles": ("plain", b"POST /one/hurried/x " + head + b"Content-Length: 100000\r\n\r\n", b"x", True),
        "an answer unread": ("plain", b"GET /one/hurried/large " + head + b"\r\n", b"", False),
        "idle after an answer": ("plain", b"GET /denied/x " + head + b"\r\n", b"", True),
        "half a handshake": ("web", HELLO, b"", True),
    }


async def large(reader, writer):
    """Reads a head and answers with 4 MB, whatever else comes."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + bytes(4_000_000))
        await writer.drain()
        while await reader.read(65536):
            pass
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def slow(port, first, again, reads, ended):
    loop = asyncio.get_running_loop()
    with socket.socket() as line:
        line.setblocking(False)
        if not reads:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(line, (honest.HOST, port))
        began = loop.time()
        try:
            await loop.sock_sendall(line, first)
            while loop.time() - began < LIMIT:
                await asyncio.sleep(EVERY)
                if again:
                    await loop.sock_sendall(line, again)
                if reads:
                    while True:
                        try:
                            if not line.recv(65536):
                                ended.append(loop.time() - began)
                                return
                        except BlockingIOError:
                            break
                elif is_gone(line):
                    ended.append(loop.time() - began)
                    return
        except OSError:
            ended.append(loop.time() - began)


def is_gone(line):
    """Whether the other side has ended a connection of which nothing is read: the state of TCP is not ESTABLISHED any more."""
    return line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


def honest_client(port, counts, over):
    line = honest.Line(port)
    while not over.is_set():
        try:
            answer = line.ask("GET", "/denied/x")
            honest.tally(counts, "ok" if answer.status == 403 else f"failed {answer.status}")
            if answer.closes:
                line = honest.Line(port)
        except honest.Lost as lost:
            honest.tally(counts, f"failed {lost.how}")
            line = honest.Line(port)
        time.sleep(0.05)


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


async def main(stand):
    ports, pid = stand["ports"], stand["pids"]["gateway/public"]
    await asyncio.start_server(large, honest.HOST, ports["one"], backlog=1024)
    counts, over = {}, threading.Event()
    beside = threading.Thread(target=honest_client, args=(ports["plain"], counts, over))
    beside.start()
    await asyncio.sleep(0.5)
    before, figures, tasks, peak = memory(pid), {}, [], 0
    for kind, (port, first, again, reads) in kinds().items():
        figures[kind] = []
        for _ in range(EACH):
            tasks.append(asyncio.create_task(slow(ports[port], first, again, reads, figures[kind])))
    while not all(task.done() for task in tasks):
        peak = max(peak, memory(pid) - before)
        await asyncio.sleep(0.2)
    over.set()
    beside.join()
    for task in tasks:
        task.result()
    honest.report(**{kind: [round(max(times, default=0), 1), EACH - len(times)] for kind, times in figures.items()},
                  memory=[peak, memory(pid) - before], honest=counts)


_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
asyncio.run(main(honest.stand()))
