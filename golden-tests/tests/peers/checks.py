"""HAProxy's `option httpchk` against the proxy: `STAND`. Prints the state of each of its checks after some seconds.

HAProxy asks with HTTP/1.0 and no Host by default; with `http-check send` it asks as it is told.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time

import honest


def main(stand):
    app, port = stand["ports"]["one"], stand["ports"]["plain"]
    honest.server("node", f"{honest.HERE}/idle_node.mjs", str(app), "5000", port=app)
    checks = {
        "bare": "option httpchk",
        "path": "option httpchk GET /health",
        "ten with host": "option httpchk\n  http-check send meth GET uri /health ver HTTP/1.0 hdr Host peers.test",
        "eleven with host": "option httpchk\n  http-check send meth GET uri /health ver HTTP/1.1 hdr Host peers.test",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(f"global\n  stats socket {folder}/stats level user\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 5s\n"
                       "  timeout server 5s\n  timeout check 2s\n")
            for number, lines in enumerate(checks.values()):
                file.write(f"backend b{number}\n  {lines}\n  server s 127.0.0.1:{port} check inter 200ms rise 2 fall 2\n")
        process = subprocess.Popen(["haproxy", "-db", "-q", "-f", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=honest.dies_with_parent)
        time.sleep(3)
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(5)
            stats.connect(f"{folder}/stats")
            stats.sendall(b"show stat\n")
            text = b""
            while piece := stats.recv(65536):
                text += piece
        honest.end(process)
    rows = [line.split(",") for line in text.decode().splitlines() if line]
    names = rows[0][0].removeprefix("# ").split() + rows[0][1:]
    found = {row[0]: dict(zip(names, row)) for row in rows[1:] if row[1] == "s"}
    honest.report(**{name: f"{found[f'b{number}']['status']} {found[f'b{number}']['check_status']} {found[f'b{number}']['check_code']}"
                     for number, name in enumerate(checks)})


main(honest.stand())
