"""grpcio changes its mind on one channel, or meets a server that takes one call at a time: `STAND watch|cancel|single`.

watch: opens a stream, reads its first message and cancels it, again and again. cancel: gives up calls before their answer. Both beside a call
that runs all the while. single: 20 callers at once, from the first moment of the connection. Prints calls, failed ones and how.
"""

import asyncio
import sys
import time

import grpc
import grpc.aio

import honest

SECONDS, RATE, AT_ONCE = 8, 50, 20


async def changes(channel, what, counts):
    sleep = channel.unary_unary("/test.Echo/Sleep")
    trickle = channel.unary_stream("/test.Echo/Trickle")
    live = sleep(b"%d" % SECONDS, timeout=SECONDS + 10)
    until = time.monotonic() + SECONDS - 1
    while time.monotonic() < until:
        counts["calls"] += 1
        try:
            if what == "watch":
                call = trickle(b"", timeout=10)
                await call.read()
            else:
                call = sleep(b"1", timeout=10)
                await asyncio.sleep(1 / RATE)
            call.cancel()
            await asyncio.sleep(0.5 / RATE)
        except grpc.aio.AioRpcError as error:
            lost(counts, error)
    try:
        counts["live"] = (await live).decode()
    except grpc.aio.AioRpcError as error:
        lost(counts, error)


async def callers(channel, counts):
    sleep = channel.unary_unary("/test.Echo/Sleep")
    until = time.monotonic() + 3

    async def caller():
        while time.monotonic() < until:
            counts["calls"] += 1
            try:
                await sleep(b"0.02", timeout=10)
            except grpc.aio.AioRpcError as error:
                lost(counts, error)

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


def lost(counts, error):
    counts["failed"] += 1
    honest.tally(counts, f"{error.code().name} {error.details()}")


async def main(port, what):
    counts = {"calls": 0, "failed": 0}
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        if what == "single":
            await callers(channel, counts)
        else:
            await changes(channel, what, counts)
    honest.report(**counts)


stand = honest.stand()
(word,) = honest.words()
options = ["single"] if word == "single" else []
honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(stand["ports"]["rpc"]), *options)
asyncio.run(main(stand["ports"]["plain"], word))
