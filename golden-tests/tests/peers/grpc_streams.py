"""grpcio sends 10,000 messages of ten bytes on one stream: down, up, both, and 5,000 in turn: `STAND PORT-NAME SERVICE APP`."""

import asyncio
import sys

import grpc
import grpc.aio

import honest

MESSAGES = 10_000


async def attempt(what, run):
    try:
        return {what: await asyncio.wait_for(run, 25)}
    except grpc.aio.AioRpcError as error:
        return {what: 0, f"{what} failed": f"{error.code().name} {error.details()}"}
    except TimeoutError:
        return {what: 0, f"{what} failed": "no end after 25 s"}


async def main(port, service):
    async def down():
        seen = 0
        async for _ in channel.unary_stream(f"/{service}/Count")(str(MESSAGES).encode()):
            seen += 1
        return seen

    async def messages():
        for _ in range(MESSAGES):
            yield b"0123456789"

    async def up():
        return int(await channel.stream_unary(f"/{service}/AddUp")(messages()))

    async def both():
        seen = 0
        async for _ in channel.stream_stream(f"/{service}/Both")(messages()):
            seen += 1
        return seen

    async def turns():
        """Each message is sent when the answer to the one before has come."""
        call = channel.stream_stream(f"/{service}/Both")()
        for number in range(MESSAGES // 2):
            await call.write(b"0123456789")
            if await call.read() != b"0123456789":
                raise SystemExit(f"no answer to message {number}: {await call.code()}")
        await call.done_writing()
        return MESSAGES // 2

    figures = {}
    for what, run in (("down", down), ("up", up), ("both", both), ("turns", turns)):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            figures |= await attempt(what, run())
    honest.report(**figures)


stand = honest.stand()
port_name, service, app = honest.words()
honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(stand["ports"][app]))
asyncio.run(main(stand["ports"][port_name], service))
