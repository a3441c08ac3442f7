"""An HTTP/2 server of frames that answers every request with 200 after 150 ms, unless the stream was reset: `slow_server.py PORT`."""

import asyncio
import sys

import http2

ANSWER = http2.literal(":status", "200") + http2.literal("content-length", "2")


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.frames, self.preface = transport, http2.Frames(), len(http2.PREFACE)
        self.waiting = {}
        transport.write(http2.settings(max_streams=10_000) + http2.frame(http2.WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4)))

    def data_received(self, data):
        skipped = min(self.preface, len(data))
        self.preface -= skipped
        out = []
        for kind, flags, stream, payload in self.frames.add(data[skipped:]):
            if kind == http2.HEADERS:
                self.waiting[stream] = asyncio.get_running_loop().call_later(0.15, self.answer, stream)
            elif kind == http2.RST_STREAM and stream in self.waiting:
                self.waiting.pop(stream).cancel()
            elif kind in (http2.SETTINGS, http2.PING) and not flags & http2.ACK:
                out.append(http2.frame(kind, http2.ACK, 0, payload if kind == http2.PING else b""))
        if out:
            self.transport.write(b"".join(out))

    def answer(self, stream):
        self.waiting.pop(stream, None)
        self.transport.write(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, ANSWER) +
                             http2.frame(http2.DATA, http2.END_STREAM, stream, b"ok"))

    def connection_lost(self, error):
        for timer in self.waiting.values():
            timer.cancel()


async def main(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main(int(sys.argv[1])))
