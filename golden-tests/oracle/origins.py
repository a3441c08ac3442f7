"""Servers behind the proxies: each says its name and what it got. Run as `python3 -m oracle.origins NAME:PORT ...`."""

import asyncio
import sys


class Origin(asyncio.Protocol):
    """Answers any request of HTTP/1.1 with what it saw in headers; waits first if it is asked to."""

    def __init__(self, name):
        self.name = name
        self.buffer = b""
        self.transport = None

    def connection_made(self, transport):
        """Keeps the connection."""
        self.transport = transport

    def data_received(self, data):
        """Answers every whole request."""
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = dict((part.strip() for part in line.split(":", 1)) for line in lines[1:])
            headers = {name.lower(): value for name, value in headers.items()}
            length = int(headers.get("content-length", 0))
            if headers.get("transfer-encoding"):
                end = rest.find(b"0\r\n\r\n")
                if end < 0:
                    return
                length = end + 5
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.answer(lines[0], headers)

    def answer(self, line, headers):
        """Sends the answer, later if the request says so."""
        method, target, _ = line.split(" ")
        seen = {"x-origin": self.name, "x-method": method, "x-target": target, "x-host": headers.get("host", "")}
        seen["x-saw-set"] = headers.get("x-set", "")
        seen["x-saw-a"] = headers.get("x-a", "")
        text = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + "".join(f"{key}: {value}\r\n" for key, value in seen.items())
        delay = int(headers.get("x-delay", 0)) / 1000
        send = lambda: self.transport.write(text.encode("latin-1") + b"\r\n")  # noqa: E731
        if delay:
            asyncio.get_running_loop().call_later(delay, send)
        else:
            send()


async def serve(names):
    """Listens for all of them until the standard input ends."""
    loop = asyncio.get_running_loop()
    for word in names:
        name, port = word.rsplit(":", 1)
        await loop.create_server(lambda name=name: Origin(name), "127.0.0.1", int(port))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
