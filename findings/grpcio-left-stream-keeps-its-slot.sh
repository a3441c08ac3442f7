#!/usr/bin/env bash
# grpcio 1.85.3 (PyPI), asyncio API, client and server on loopback.
#
# Believed: leaving `async for message in call:` by `break` and dropping the call ends it, as closing a file or a generator does; and once
#           the server has sent its trailers, a stream no longer counts towards SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, 5.1.2).
# Seen:     the call is not cancelled, whether or not the garbage collector ran. The server sends all messages and its trailers, and has no
#           stream open any more; the client still counts the stream, because nobody read its messages. With a limit of 10, the eleventh
#           call on that channel is never sent: unary calls too wait until their own deadline, on a connection that is quiet and healthy.
#           With `call.cancel()` after the `break`, forty such calls pass.
#
# Ends with 0 while this is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grpcio==1.85.3
cat > "$folder/left.py" <<'PYTHON'
import asyncio
import gc

import grpc
import grpc.aio

LIMIT, CALLS = 10, 40


async def twenty(request, context):
    for _ in range(20):
        yield b"message"
        await asyncio.sleep(0.005)


async def echo(request, context):
    return request


async def calls(port, cancels):
    """How many streams of CALLS began, and how a unary call after them ended."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        begun = 0
        for _ in range(CALLS):
            call = channel.unary_stream("/left.Left/Twenty")(b"")
            try:
                await asyncio.wait_for(leave_after_two(call), 3)
            except TimeoutError:
                call.cancel()
                break
            begun += 1
            if cancels:
                call.cancel()
            del call
            gc.collect()
            await asyncio.sleep(0.3)  # the server has long ended the stream
        try:
            await channel.unary_unary("/left.Left/Echo")(b"x", timeout=2)
            return begun, "OK"
        except grpc.aio.AioRpcError as error:
            return begun, error.code().name


async def leave_after_two(call):
    seen = 0
    async for _ in call:
        seen += 1
        if seen == 2:
            break


async def main():
    server = grpc.aio.server(options=(("grpc.max_concurrent_streams", LIMIT),))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("left.Left", {
        "Twenty": grpc.unary_stream_rpc_method_handler(twenty),
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
    }),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    left, cancelled = await calls(port, cancels=False), await calls(port, cancels=True)
    await server.stop(0)
    print("left by break:", *left, "· cancelled:", *cancelled)
    return left == (LIMIT, "DEADLINE_EXCEEDED") and cancelled == (CALLS, "OK")


raise SystemExit(0 if asyncio.run(main()) else 1)
PYTHON
timeout 90 "$folder/venv/bin/python" "$folder/left.py"
