#!/usr/bin/env python3
"""Measures what an idle client connection costs a gateway in resident memory: HTTP/1.1 and HTTP/2, plaintext.

    cargo build --profile dist --bin weft --bin weft-proxy
    python3 bench/idle.py 2000 [--bin DIR]

Each connection has asked once, through a route to an origin, and then stays idle. A first hundred warm the proxy up and are not counted.
Prints KiB per connection, as the growth of VmRSS divided by their number; one worker.
"""
import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "golden-tests", "tests", "peers")]

import compare  # noqa: E402
import http2  # noqa: E402
import specs  # noqa: E402
import stand as stands  # noqa: E402

WARM = 100

SPEC = """weft: v1
mesh: {{name: idle, trustDomain: idle.example}}
gateways: {{public: {{listeners: {{web: {{address: 127.0.0.1, port: {port}, protocol: http}}}}}}}}
services:
  origin: {{protocol: http, mtls: disabled, timeout: {{request: 15s}}, endpoints: ["127.0.0.1:{origin}"]}}
routes: {{all: {{on: public/web, host: "*", rules: [{{name: all, path: "/**", to: origin}}]}}}}
"""


def origin(listener):
    """Answers every head on every connection."""
    def serve(client):
        with client:
            while client.recv(65_536):
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def first(port):
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.sendall(b"GET / HTTP/1.1\r\nHost: idle.example\r\n\r\n")
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        answer += client.recv(65_536)
    assert b" 200 " in answer, answer
    return client


def second(port):
    client = http2.Raw(port)
    status, _, body = client.ask("GET", "/")
    assert (status, body) == ("200", b"ok"), (status, body)
    return client


def measure(bin, work, connect, count):
    port = stands.free_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=origin, args=(listener,), daemon=True).start()
        specs.write(f"{work}/spec/mesh.yaml", SPEC.format(port=port, origin=listener.getsockname()[1]))
        subprocess.run([f"{bin}/weft", "build", f"{work}/spec", "-o", f"{work}/dist"], check=True, stdout=subprocess.DEVNULL)
        proxy = subprocess.Popen([f"{bin}/weft-proxy", "--snapshot", f"{work}/dist", "--node", "gateway/public", "--workers", "1",
                                  "--admin", "off", "--access-log", "off"], stderr=subprocess.DEVNULL)
        try:
            compare.wait_port(port)
            held = [connect(port) for _ in range(WARM)]
            time.sleep(1)
            before = compare.rss_kib(proxy.pid)
            held += [connect(port) for _ in range(count)]
            time.sleep(1)
            return (compare.rss_kib(proxy.pid) - before) / count
        finally:
            proxy.kill()
            proxy.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=2_000, help="connections, 2000 by default")
    parser.add_argument("--bin", default=os.path.join(ROOT, "target", "dist"), help="folder with weft and weft-proxy")
    arguments = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    for name, connect in (("HTTP/1.1", first), ("HTTP/2", second)):
        with tempfile.TemporaryDirectory(prefix="weft-idle-") as work:
            print(f"{name}: {measure(arguments.bin, work, connect, arguments.count):.1f} KiB per connection", flush=True)
