"""A server of bare sockets that answers as soon as it has the head and reads no body: `early_server.py PORT STATUS HOW`.

HOW: `close` closes at once, so that what is still on its way meets a reset; `reset` makes sure of it; `linger` shuts its side and reads on
for a while; `keep` says the length and leaves the connection open without reading.
"""

import socket
import struct
import sys
import threading
import time

port, status, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BODY = b"refused by the server\n"


def serve(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(1024)
        if not data:
            return connection.close()
        head += data
    fields = f"HTTP/1.1 {status} Refused\r\nContent-Length: {len(BODY)}\r\nContent-Type: text/plain\r\n"
    fields += "\r\n" if how == "keep" else "Connection: close\r\n\r\n"
    connection.sendall(fields.encode() + BODY)
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "linger":
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(3)
        until = time.monotonic() + 5
        try:
            while time.monotonic() < until and connection.recv(65536):
                pass
        except OSError:
            pass
    elif how == "keep":
        time.sleep(5)
    connection.close()


with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
