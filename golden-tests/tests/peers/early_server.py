"""A server of bare sockets that answers as soon as it has the head and reads no body: `early_server.py PORT STATUS HOW`.

HOW: `close` closes at once, so that what is still on its way meets a reset; `reset` makes sure of it; `linger` shuts its side and reads on
for a while; `keep` keeps the connection, and reads what was announced a moment later, before it looks for another request.
"""

import socket
import struct
import sys
import threading
import time

port, status, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BODY = b"refused by the server\n"


def answer(connection, held):
    """Answers one request; gives what was read beyond it, or nothing when the connection is done."""
    while b"\r\n\r\n" not in held:
        data = connection.recv(65536)
        if not data:
            return None
        held += data
    head, held = held.split(b"\r\n\r\n", 1)
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    keeps = how == "keep" and b"content-length" in fields
    says = f"HTTP/1.1 {status} Refused\r\nContent-Length: {len(BODY)}\r\nContent-Type: text/plain\r\n"
    connection.sendall((says + ("\r\n" if keeps else "Connection: close\r\n\r\n")).encode() + BODY)
    if not keeps:
        return None
    time.sleep(0.02)
    left = int(fields[b"content-length"]) - len(held)
    while 0 < left:
        data = connection.recv(65536)
        if not data:
            return None
        held, left = data, left - len(data)
    return held[len(held) + left:] if left else b""


def serve(connection):
    try:
        held = b""
        while held is not None:
            held = answer(connection, held)
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how in ("linger", "keep"):
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(3)
            until = time.monotonic() + 5
            while time.monotonic() < until and connection.recv(65536):
                pass
    except OSError:
        pass
    connection.close()


with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
