"""What the scripts beside this file share. Each is called as `SCRIPT STAND [WORD...]`.

STAND is a JSON file with the ports of a running mesh by their names in `cases/peers/honest/mesh.yaml`. A script talks to
loopback only, does a bounded number of things in a bounded time, prints one line of JSON with what it counted, and ends.
"""

import atexit
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "127.0.0.1"



def give_up(*_signal):
    raise SystemExit("it took too long")


# Nothing here takes so long; what hangs is ended.
signal.signal(signal.SIGALRM, give_up)
signal.alarm(int(os.environ.get("WEFT_PEERS_SECONDS", "100")))


def dies_with_parent():
    """Runs in a child before it becomes another program: PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def stand():
    with open(sys.argv[1]) as file:
        return json.load(file)


def words():
    return sys.argv[2:]


def report(**figures):
    print(json.dumps(figures), flush=True)


def child(*command, ready=True, env=None):
    """Starts a program that ends with this script; waits until it says `ready`."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(env or {})},
                               preexec_fn=dies_with_parent)
    atexit.register(end, process)
    if ready:
        line = process.stdout.readline()
        if line.strip() != b"ready":
            raise SystemExit(f"{command} said {line!r}")
    return process


def server(*command, port, env=None, seconds=15):
    """Starts a program that listens on `port`; what it prints is thrown away. It ends with this script."""
    while listens(port):
        # Workers of a server before it are still going.
        time.sleep(0.05)
    log = open(os.environ.get("WEFT_PEERS_LOG", "/dev/null"), "a")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})},
                               start_new_session=True, preexec_fn=dies_with_parent)
    atexit.register(end_group, process)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{command} ended with {process.returncode}")
        if listens(port):
            return process
        time.sleep(0.05)
    raise SystemExit(f"{command} does not listen on {port}")


def listens(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def end_group(process):
    """Ends a server with all its workers, at once: they would hold its port."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tally(counts, what):
    counts[what] = counts.get(what, 0) + 1


class Answer:
    """One HTTP/1.1 answer."""

    def __init__(self, status, fields, body, closes):
        """`fields` has the first of each name, `all` has all."""
        self.status, self.all, self.body, self.closes = status, fields, body, closes
        self.fields = dict(reversed(fields))


class Line:
    """A bare HTTP/1.1 connection, which says exactly what went wrong: `reset`, `closed`, `silent`."""

    def __init__(self, port, seconds=10):
        self.seconds = seconds
        self.socket = socket.create_connection((HOST, port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held, self.interim = b"", []

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, path, body=b"", fields=(), host="peers.test"):
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
        if body or method in ("POST", "PUT"):
            head += f"Content-Length: {len(body)}\r\n"
        self.send(head.encode() + b"\r\n" + body)
        return self.answer(method)

    def more(self):
        self.socket.settimeout(self.seconds)
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            raise Lost("reset") from None
        except TimeoutError:
            raise Lost("silent") from None
        if not got:
            raise Lost("closed" if not self.held else "cut")
        self.held += got

    def answer(self, method="GET"):
        while True:
            while b"\r\n\r\n" not in self.held:
                self.more()
            head, self.held = self.held.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ")[1])
            every = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines[1:])]
            if 200 <= status:
                break
            self.interim.append(status)
        fields = dict(reversed(every))
        closes = "close" in fields.get("connection", "").lower()
        if method == "HEAD" or status in (204, 304):
            return Answer(status, every, b"", closes)
        if "chunked" in fields.get("transfer-encoding", ""):
            body = b""
            while True:
                while b"\r\n" not in self.held:
                    self.more()
                size, rest = self.held.split(b"\r\n", 1)
                size = int(size.split(b";")[0], 16)
                self.held = rest
                while len(self.held) < size + 2:
                    self.more()
                body, self.held = body + self.held[:size], self.held[size + 2:]
                if size == 0:
                    return Answer(status, every, body, closes)
        if "content-length" in fields:
            size = int(fields["content-length"])
            while len(self.held) < size:
                self.more()
            body, self.held = self.held[:size], self.held[size:]
            return Answer(status, every, body, closes)
        try:
            while True:
                self.more()
        except Lost as lost:
            if lost.how == "reset":
                raise
        body, self.held = self.held, b""
        return Answer(status, every, body, True)

    def is_quiet(self, seconds):
        """Whether nothing at all comes, not even an end, for so long."""
        return not select.select([self.socket], [], [], seconds)[0]

    def close(self):
        self.socket.close()


class Lost(Exception):
    """There was no answer."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how
