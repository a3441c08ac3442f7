"""A server that answers the first request of a connection and closes when the second one arrives: `stale_server.py PORT`."""

import asyncio
import sys


async def serve(reader, writer):
    try:
        for number in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            if number == 1:
                break
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            await reader.readexactly(int(fields.get(b"content-length", 0)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main(port):
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
