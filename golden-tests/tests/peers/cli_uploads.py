"""Uploads that are refused, by programs that people use: `STAND wget|curl|httpx`.

Each is refused by the proxy itself (403 by a rule, 413 by a limit) and by a server that answers 401 at once and closes. Prints how many
saw the refusal, and what the others saw. curl sends `Expect: 100-continue` for so much, unless it is told not to.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

import honest

SIZE, TRIES = 20_000_000, 6
PLACES = (("/denied/x", "403"), ("/small/x", "413"), ("/origin", "401"))


def wget(url, body):
    run = subprocess.run(["wget", "-S", "-O", "/dev/null", "--tries=1", "--timeout=15", f"--post-file={body}", url],
                         capture_output=True, text=True, timeout=30)
    found = re.findall(r"HTTP/1.1 (\d+)", run.stderr)
    return found[-1] if found else (run.stderr.strip().splitlines() or ["nothing"])[-1][-60:]


def curl(url, body, *more):
    run = subprocess.run(["curl", "-sS", "-m", "15", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{body}", *more, url],
                         capture_output=True, text=True, timeout=30)
    # An answer that was seen counts, but not if curl says that the exchange failed.
    return run.stdout if run.returncode == 0 else f"{run.stdout} curl {run.returncode}"


def httpx_posts(port, path, status, size):
    import httpx
    seen, until = {}, time.monotonic() + 12
    with httpx.Client(http1=False, http2=True, timeout=5) as client:
        for _ in range(100):
            if until < time.monotonic():
                honest.tally(seen, "no time left")
                continue
            try:
                answer = client.post(f"http://{honest.HOST}:{port}{path}", content=b"x" * size)
                what = str(answer.status_code)
            except httpx.HTTPError as error:
                what = f"{type(error).__name__} {error}"[:80]
            honest.tally(seen, "seen" if what == status else what)
    return seen


def main(stand, program):
    port = stand["ports"]["plain"]
    honest.child(sys.executable, f"{honest.HERE}/early_server.py", str(stand["ports"]["one"]), "401", "close")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        body = os.path.join(folder, "body")
        with open(body, "wb") as file:
            file.write(b"x" * SIZE)
        ways = {
            "wget": {"wget": lambda url: wget(url, body)},
            "curl": {
                "curl expect": lambda url: curl(url, body, "--http1.1"),
                "curl at once": lambda url: curl(url, body, "--http1.1", "-H", "Expect:"),
                "curl chunked": lambda url: curl(url, body, "--http1.1", "-H", "Expect:", "-H", "Transfer-Encoding: chunked"),
                "curl h2": lambda url: curl(url, body, "--http2-prior-knowledge"),
                # Over HTTP/2 it says so and does not wait.
                "curl h2 expect": lambda url: curl(url, body, "--http2-prior-knowledge", "-H", "Expect: 100-continue"),
            },
            "httpx": {},
        }[program]
        for path, status in PLACES:
            for name, run in ways.items():
                seen = {}
                for _ in range(TRIES):
                    what = run(f"http://{honest.HOST}:{port}{path}")
                    # Of a body without a length the server may answer before the limit is met.
                    wanted = (status, "401") if (name, status) == ("curl chunked", "413") else (status,)
                    honest.tally(seen, "seen" if what in wanted else what)
                figures[f"{name} {status}"] = seen
            if program == "httpx":
                # More than a window or two at once this library does not survive behind any proxy: it fails when its stream is reset.
                for size in (10_000, 60_000, 100_000):
                    figures[f"httpx {size} {status}"] = httpx_posts(port, path, status, size)
    honest.report(**figures)


main(honest.stand(), honest.words()[0])
