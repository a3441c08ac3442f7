"""A client reads nothing of a stream of ten-byte messages while others go on: `STAND PORT-NAME SERVICE APP WHO`.

WHO is `grpcio`, `grpc-js`, or `server`: then it is a server that reads nothing of what a client streams to it, while the same
client goes on with other calls. All calls share what connections the proxy has to the server. Prints how many calls of the others were made and how many failed.
"""

import asyncio
import sys
import time

import grpc
import grpc.aio

import honest

SECONDS = 6


async def others(channel, service, counts, until):
    unary = channel.unary_unary(f"/{service}/Unary")
    while time.monotonic() < until:
        counts["calls"] += 1
        try:
            await unary(b"0123456789", timeout=20)
        except grpc.aio.AioRpcError as error:
            honest.tally(counts, "failed")
            honest.tally(counts, f"{error.code().name} {error.details()}")
        # Slow enough that the rate of calls plays no part.
        await asyncio.sleep(0.03)


async def unread(channel, service):
    call = channel.unary_stream(f"/{service}/Endless")(str(SECONDS + 2).encode())
    await call.read()
    return call


async def unheard(channel, service):
    """Sends small messages to a server that reads none, until flow control stops it."""
    call = channel.stream_unary(f"/{service}/Deaf")()

    async def write():
        try:
            while True:
                await call.write(b"0123456789")
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            pass

    return asyncio.create_task(write())


async def long_stream(channel, service, counts):
    """A stream of another client that is read as it comes."""
    try:
        async for _ in channel.unary_stream(f"/{service}/Trickle")(b"", timeout=SECONDS + 20):
            counts["read"] += 1
    except grpc.aio.AioRpcError as error:
        honest.tally(counts, "streams failed")
        honest.tally(counts, f"stream {error.code().name} {error.details()}")


async def main(port, service, who):
    counts = {"calls": 0, "failed": 0, "read": 0, "streams failed": 0}
    # Without probes the windows stay at 64 KiB, as those of other clients do, so that little fills them.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0))
    async with (grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as one,
                grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as two):
        other = one if who == "server" else two
        await other.unary_unary(f"/{service}/Unary")(b"first", timeout=10, wait_for_ready=True)
        stream = asyncio.create_task(long_stream(other, service, counts))
        if who == "grpcio":
            _held = await unread(one, service)
        elif who == "server":
            _held = await unheard(one, service)
        else:
            honest.child("node", f"{honest.HERE}/grpc_js.mjs", str(port), service, str(SECONDS + 2))
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(others(other, service, counts, until) for _ in range(4)))
        await asyncio.sleep(0)
        stream.cancel()
    honest.report(**counts)


stand = honest.stand()
port_name, service, app, who = honest.words()
honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(stand["ports"][app]), "steady")
asyncio.run(main(stand["ports"][port_name], service, who))
