"""grpcio makes small calls on one channel, up to 1,500 a second for five seconds: `STAND PORT-NAME SERVICE APP`.

Prints how many calls it made, how many failed and how, and the rate it came to.
"""

import asyncio
import sys
import time

import grpc
import grpc.aio

import honest

SECONDS, RATE, AT_ONCE = 5, 1_500, 60


async def main(port, service):
    counts = {"calls": 0}
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        unary = channel.unary_unary(f"/{service}/Unary")
        await unary(b"first", timeout=10, wait_for_ready=True)
        began = time.monotonic()

        async def caller():
            while True:
                # Paced: a call is made no sooner than its number says.
                number = counts["calls"]
                wait = number / RATE - (time.monotonic() - began)
                if SECONDS < time.monotonic() - began or SECONDS * RATE <= number:
                    return
                counts["calls"] += 1
                if 0 < wait:
                    await asyncio.sleep(wait)
                try:
                    if await unary(b"0123456789", timeout=20) != b"0123456789":
                        honest.tally(counts, "wrong")
                except grpc.aio.AioRpcError as error:
                    honest.tally(counts, f"{error.code().name} {error.details()}")
                    honest.tally(counts, "failed")

        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
        took = time.monotonic() - began
    honest.report(**{"failed": 0, **counts, "rate": round(counts["calls"] / took)})


stand = honest.stand()
port_name, service, app = honest.words()
honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(stand["ports"][app]))
asyncio.run(main(stand["ports"][port_name], service))
