"""Uploads of 20 MB to servers that answer at once without reading: `STAND [SERVER...]`, or `STAND direct [SERVER...]`.

Prints, for each server and way of sending, how many of eight uploads got the server's answer through the proxy, and what became of
the others. Ways: `length` (HTTP/1.1 with a length), `chunked`, `h2`.
"""

import http.client
import os
import socket
import sys
import tempfile
import threading
import time

import honest
import http2

SIZE, TRIES, PIECE = 20_000_000, 8, b"x" * 65_536


def commands(port):
    python, here = sys.executable, honest.HERE
    env = {"PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}
    bind = f"{honest.HOST}:{port}"

    def uvicorn(kind):
        return (python, "-m", "uvicorn", "refused_app:asgi", "--port", str(port), "--http", kind, "--log-level", "critical")

    return {
        "close": ((python, f"{here}/early_server.py", str(port), "413", "close"), env),
        "reset": ((python, f"{here}/early_server.py", str(port), "401", "reset"), env),
        "linger": ((python, f"{here}/early_server.py", str(port), "413", "linger"), env),
        "keep": ((python, f"{here}/early_server.py", str(port), "401", "keep"), env),
        "gunicorn": ((python, "-m", "gunicorn", "refused_app:app", "-b", bind, "-k", "gthread", "--threads", "4"), env),
        "gunicorn-sync": ((python, "-m", "gunicorn", "refused_app:app", "-b", bind), env),
        "uvicorn-h11": (uvicorn("h11"), env),
        "uvicorn-httptools": (uvicorn("httptools"), env),
        "hypercorn": ((python, "-m", "hypercorn", "refused_app:asgi", "-b", bind), env),
        "waitress": ((python, f"{here}/refused_app.py", "waitress", str(port)), env),
        "aiohttp": ((python, f"{here}/refused_app.py", "aiohttp", str(port)), env),
        "tornado": ((python, f"{here}/refused_app.py", "tornado", str(port)), env),
        "node": (("node", f"{here}/refused.mjs", str(port), "413"), env),
        "nginx": (("nginx", "-c", nginx(port), "-e", "/dev/null"), env),
    }


def nginx(port):
    folder = tempfile.mkdtemp(prefix="weft-nginx-")
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as file:
        file.write(f"daemon off; pid {folder}/pid; error_log /dev/null; events {{}}\n"
                   f"http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};"
                   f" uwsgi_temp_path {folder}; scgi_temp_path {folder}; client_max_body_size 1m;\n"
                   f"server {{ listen 127.0.0.1:{port}; location / {{ return 401; }} }} }}\n")
    return path


def first(port, chunked):
    """The status of an upload over HTTP/1.1, read while it is written, as careful clients do."""
    with socket.create_connection((honest.HOST, port), 10) as line:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
        line.sendall(f"POST /upload HTTP/1.1\r\nHost: peers.test\r\n{framing}\r\n\r\n".encode())

        def write():
            sent = 0
            try:
                while sent < SIZE:
                    piece = PIECE[:SIZE - sent]
                    line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                    sent += len(piece)
                if chunked:
                    line.sendall(b"0\r\n\r\n")
            except OSError:
                pass

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            return statuses(line)
        finally:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            writer.join(5)


def statuses(line):
    line.settimeout(15)
    try:
        response = http.client.HTTPResponse(line)
        response.begin()
        response.read()
        return str(response.status) + (f" {response.headers['x-weft-reason']}" if response.headers["x-weft-reason"] else "")
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def second(port):
    """The status of an upload over HTTP/2."""
    client = http2.Raw(port)
    client.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.head("POST", "/upload", "peers.test")))
    state = {"window": 65_535, "stream": 65_535, "frame": 16_384}
    sent, status = 0, None
    decoder = __import__("hpack").Decoder()

    def look(frame):
        nonlocal status
        kind, flags, stream, payload = frame
        if kind == http2.WINDOW_UPDATE:
            state["stream" if stream else "window"] += int.from_bytes(payload)
        elif kind == http2.SETTINGS and not flags & http2.ACK:
            for at in range(0, len(payload), 6):
                if payload[at:at + 2] == b"\0\4":
                    state["stream"] += int.from_bytes(payload[at + 2:at + 6]) - 65_535
        elif kind == http2.HEADERS and status is None:
            fields = dict(decoder.decode(payload))
            status = fields[":status"] + (f" {fields['x-weft-reason']}" if "x-weft-reason" in fields else "")
        elif kind == http2.RST_STREAM and status is None:
            status = f"RST_STREAM {int.from_bytes(payload)}"
        return False

    until = time.monotonic() + 20
    while status is None and client.ended is None and time.monotonic() < until:
        room = min(state["window"], state["stream"], state["frame"], SIZE - sent)
        if 0 < room:
            if not client.send(http2.frame(http2.DATA, 0, 1, b"x" * room)):
                break
            sent += room
            state["window"] -= room
            state["stream"] -= room
        client.read(0.0005 if 0 < room else 0.2, look)
    client.read(0.05 if status else 1, look)
    client.close()
    return status or client.ended or "silent"


def main(stand, wanted):
    app, port = stand["ports"]["one"], stand["ports"]["plain"]
    direct = wanted[:1] == ["direct"]
    if direct:
        port, wanted = app, wanted[1:]
    figures = {}
    for name, (command, env) in commands(app).items():
        if wanted and name not in wanted:
            continue
        server = honest.server(*command, port=app, env=env)
        ways = {"length": lambda: first(port, False), "chunked": lambda: first(port, True), "h2": lambda: second(port)}
        if direct:
            del ways["h2"]
        for way, run in ways.items():
            seen = {}
            for _ in range(TRIES):
                honest.tally(seen, run())
            figures[f"{name} {way}"] = seen
        honest.end_group(server)
    honest.report(**figures)


if __name__ == "__main__":
    main(honest.stand(), honest.words())
