"""A stream on which nothing is said: `STAND pings|long`.

`pings` counts the PING frames that reach a server of frames during 22 s in which one stream is open and silent: gRPC servers
take more than one in five minutes without data for an attack, and end all calls. `long` waits 110 s on a real server.
"""

import signal
import socket
import sys
import threading
import time

import grpc

import honest
import http2

SILENCE = 22


def pings(port, through):
    listener = socket.create_server((honest.HOST, port))
    seen = {"pings": 0, "requests": 0, "goaway": None}

    def serve(connection):
        connection.sendall(http2.frame(http2.SETTINGS))
        frames, preface = http2.Frames(), b""
        while True:
            data = connection.recv(65536)
            if not data:
                return
            if len(preface) < len(http2.PREFACE):
                wanted = len(http2.PREFACE) - len(preface)
                preface, data = preface + data[:wanted], data[wanted:]
            for kind, flags, stream, payload in frames.add(data):
                if kind == http2.PING and not flags & http2.ACK:
                    seen["pings"] += 1
                    connection.sendall(http2.frame(http2.PING, http2.ACK, 0, payload))
                elif kind == http2.SETTINGS and not flags & http2.ACK:
                    connection.sendall(http2.frame(http2.SETTINGS, http2.ACK))
                elif kind == http2.GOAWAY:
                    seen["goaway"] = int.from_bytes(payload[4:8])
                elif kind == http2.HEADERS:
                    seen["requests"] += 1
                    fields = http2.literal(":status", "200") + http2.literal("content-type", "application/grpc")
                    connection.sendall(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, fields))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    client = http2.Raw(through)
    client.send(http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 1,
                            http2.head("POST", "/test.Quiet/Quiet", "peers.test", ("content-type", "application/grpc"), ("te", "trailers"))))
    answered = client.read(10, lambda frame: frame[0] == http2.HEADERS)
    # PINGs of the settling of a connection do not count.
    before = seen["pings"]
    client.read(SILENCE)
    honest.report(**{**seen, "pings": seen["pings"] - before}, answered=answered is not None, ended=client.ended)


def long(port, through):
    signal.alarm(150)
    honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(port))
    began = time.monotonic()
    failed, messages = 0, 0
    with grpc.insecure_channel(f"127.0.0.1:{through}") as channel:
        try:
            for _ in channel.unary_stream("/test.Quiet/Quiet")(b"110"):
                messages += 1
        except grpc.RpcError as error:
            failed = f"{error.code().name} {error.details()}"
    honest.report(failed=failed, messages=messages, seconds=round(time.monotonic() - began))


if __name__ == "__main__":
    stand = honest.stand()
    {"pings": pings, "long": long}[honest.words()[0]](stand["ports"]["rpc"], stand["ports"]["plain"])
