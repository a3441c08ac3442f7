"""A grpcio server for the scripts beside it: `grpc_server.py PORT [steady|single]`; says `ready`, ends with its standard input.

Messages are bytes. It serves `test.Echo`, `mesh.Echo`, `test.Impatient` and `test.Quiet` alike.
"""

import asyncio
import sys

import grpc
import grpc.aio


async def unary(request, context):
    return request


async def count(request, context):
    """As many messages of ten bytes as the request says."""
    for number in range(int(request)):
        yield b"%010d" % number


async def add_up(requests, context):
    seen = 0
    async for _ in requests:
        seen += 1
    return str(seen).encode()


async def both(requests, context):
    async for request in requests:
        yield request


async def endless(request, context):
    """Messages of ten bytes for as long as somebody takes them, at most so many seconds."""
    until = asyncio.get_running_loop().time() + float(request)
    while asyncio.get_running_loop().time() < until:
        for _ in range(50):
            yield b"0123456789"
        await asyncio.sleep(0)


async def quiet(request, context):
    """A message, so many seconds of silence, a message."""
    yield b"first"
    await asyncio.sleep(float(request))
    yield b"last"


async def deaf(requests, context):
    """Reads nothing of what is sent for some seconds."""
    await asyncio.sleep(8)
    return b"done"


async def trickle(request, context):
    """A message every twentieth second, for 20 seconds."""
    for _ in range(400):
        yield b"0123456789"
        await asyncio.sleep(0.05)


async def sleep(request, context):
    await asyncio.sleep(float(request))
    return b"awake"


def handlers():
    return {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Sleep": grpc.unary_unary_rpc_method_handler(sleep),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "AddUp": grpc.stream_unary_rpc_method_handler(add_up),
        "Both": grpc.stream_stream_rpc_method_handler(both),
        "Endless": grpc.unary_stream_rpc_method_handler(endless),
        "Quiet": grpc.unary_stream_rpc_method_handler(quiet),
        "Trickle": grpc.unary_stream_rpc_method_handler(trickle),
        "Deaf": grpc.stream_unary_rpc_method_handler(deaf),
    }


OPTIONS = {
    # Windows stay at 64 KiB, as those of other servers do, so that little fills them.
    "steady": ("grpc.http2.bdp_probe", 0),
    # One call at a time on a connection.
    "single": ("grpc.max_concurrent_streams", 1),
}


async def main(port, options):
    server = grpc.aio.server(options=[OPTIONS[name] for name in options])
    services = ("test.Echo", "mesh.Echo", "test.Impatient", "test.Quiet")
    server.add_generic_rpc_handlers(tuple(grpc.method_handlers_generic_handler(name, handlers()) for name in services))
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    await server.start()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(0)


asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
