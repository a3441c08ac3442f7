"""HTTP/2 as frames, for scripts that have to say or see what a library would not."""

import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def settings(**values):
    """`initial_window=0` and the like."""
    names = {"max_streams": 3, "initial_window": 4}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", names[name], value) for name, value in values.items()))


def literal(name, value):
    """A field that enters no table, so that no state is needed to write or to read it."""
    def text(word):
        word = word.encode()
        assert len(word) < 127
        return bytes((len(word),)) + word
    return b"\x00" + text(name) + text(value)


def head(method="GET", path="/", authority="peers.test", *fields):
    names = ((":method", method), (":scheme", "http"), (":path", path), (":authority", authority), *fields)
    return b"".join(literal(name, value) for name, value in names)


class Frames:
    """Cuts what is read from a socket into frames."""

    def __init__(self):
        self.held = b""

    def add(self, data):
        self.held += data
        while 9 <= len(self.held):
            length = int.from_bytes(self.held[:3])
            if len(self.held) < 9 + length:
                return
            kind, flags, stream = self.held[3], self.held[4], int.from_bytes(self.held[5:9]) & 0x7FFF_FFFF
            payload, self.held = self.held[9:9 + length], self.held[9 + length:]
            yield kind, flags, stream, payload


class Raw:
    """A client of frames. It answers SETTINGS and PING unless it is told not to."""

    def __init__(self, port, preface=PREFACE + frame(SETTINGS), polite=True):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frames, self.polite, self.goaway, self.ended = Frames(), polite, None, None
        self.seen = []
        self.send(preface)

    def send(self, data):
        """Whether it could be sent."""
        try:
            self.socket.settimeout(10)
            self.socket.sendall(data)
            return True
        except TimeoutError:
            return False
        except OSError as error:
            self.ended = self.ended or type(error).__name__
            return False

    def read(self, seconds, until=lambda frame: False):
        """Reads for so long, until the end, or until a frame that is wanted, which it gives."""
        limit = time.monotonic() + seconds
        while self.ended is None:
            left = limit - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                self.ended = type(error).__name__
                return None
            if not data:
                self.ended = "closed"
                return None
            found = None
            for kind, flags, stream, payload in self.frames.add(data):
                self.seen.append((kind, flags, stream))
                if kind == GOAWAY:
                    self.goaway = int.from_bytes(payload[4:8])
                elif self.polite and kind in (SETTINGS, PING) and not flags & ACK:
                    self.send(frame(kind, ACK, 0, payload if kind == PING else b""))
                if found is None and until((kind, flags, stream, payload)):
                    found = (kind, flags, stream, payload)
            if found is not None:
                return found
        return None

    def ask(self, method, path, fields=(), body=b"", authority="peers.test", trailers=(), seconds=10):
        """Status, fields and body of one small request: the status is a word if there was no answer."""
        import hpack
        if not hasattr(self, "decoder"):
            self.decoder, self.stream = hpack.Decoder(), 1
        stream, self.stream = self.stream, self.stream + 2
        last = 0 if trailers else END_STREAM
        self.send(frame(HEADERS, END_HEADERS | (0 if body or trailers else END_STREAM), stream, head(method, path, authority, *fields)))
        if body:
            self.send(frame(DATA, last, stream, body))
        if trailers:
            self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, b"".join(literal(*pair) for pair in trailers)))
        answer = {"status": None, "fields": [], "body": b""}

        def look(seen):
            kind, flags, of, payload = seen
            if kind == HEADERS:
                # Every block has to be decoded, also those of other streams.
                decoded = self.decoder.decode(payload)
                if of == stream and answer["status"] is None:
                    answer["status"] = dict(decoded).get(":status")
                if of == stream:
                    answer["fields"] += decoded
            elif kind == DATA and of == stream:
                answer["body"] += payload
                if payload:
                    self.send(frame(WINDOW_UPDATE, 0, 0, len(payload).to_bytes(4)))
            elif kind == RST_STREAM and of == stream and answer["status"] is None:
                answer["status"] = f"RST_STREAM {int.from_bytes(payload)}"
            return of == stream and (kind == RST_STREAM or kind in (HEADERS, DATA) and flags & END_STREAM)

        self.read(seconds, look)
        return answer["status"] or self.ended or "silent", answer["fields"], answer["body"]

    def close(self):
        self.socket.close()
