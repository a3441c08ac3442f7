"""POSTs to a rule that answers 403 by itself, on connections that are kept: `STAND`. Prints what became of 100 of each kind.

bare: one HTTP/1.1 connection for as long as it lasts; a new one only after a close that was announced. sidecar: the refusal is that of the
callee's sidecar. curl: 100 transfers by one process. h2load: 100 POSTs over HTTP/2, and over HTTP/1.1.
"""

import os
import re
import subprocess
import sys
import tempfile

import honest

BODY = b"x" * 3_000


def bare(port, path, body):
    seen, line, announced = {}, honest.Line(port), 0
    for _ in range(100):
        try:
            answer = line.ask("POST", path, body)
            honest.tally(seen, "seen" if answer.status == 403 else str(answer.status))
            if answer.closes:
                announced += 1
                line.close()
                line = honest.Line(port)
        except (honest.Lost, OSError) as error:
            honest.tally(seen, getattr(error, "how", type(error).__name__))
            line = honest.Line(port)
    return {**seen, "announced closes": announced}


def curl(port, body):
    url = f"http://{honest.HOST}:{port}/denied/[1-100]"
    run = subprocess.run(["curl", "-s", "-m", "20", "--http1.1", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", "--data-binary", f"@{body}", url],
                         capture_output=True, text=True, timeout=30)
    lines = [line.split() for line in run.stdout.splitlines()]
    return {"seen": sum(line[0] == "403" for line in lines), "connections": sum(int(line[1]) for line in lines), "exit": run.returncode}


def h2load(port, body, *more):
    run = subprocess.run(["h2load", "-n", "100", "-c", "2", *more, "-d", body, f"http://{honest.HOST}:{port}/denied/x"],
                         capture_output=True, text=True, timeout=30)
    codes = re.search(r"status codes: \d+ 2xx, \d+ 3xx, (\d+) 4xx", run.stdout)
    failed = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", run.stdout)
    return {"seen": int(codes.group(1)) if codes else 0, "failed": [int(number) for number in failed.groups()] if failed else run.stdout[-80:]}


def main(stand):
    port = stand["ports"]["plain"]
    honest.child(sys.executable, f"{honest.HERE}/slow_server.py", str(stand["ports"]["pages"]))
    figures = {f"bare {size}": bare(port, "/denied/x", b"x" * size) for size in (10, 3_000, 200_000)}
    figures["sidecar 3000"] = bare(port, "/pages/forbidden/x", BODY)
    with tempfile.TemporaryDirectory() as folder:
        body = os.path.join(folder, "body")
        for size in (3_000, 100_000):
            with open(body, "wb") as file:
                file.write(b"x" * size)
            figures[f"curl {size}"] = curl(port, body)
            figures[f"h2load h2 {size}"] = h2load(port, body, "-m", "8")
            figures[f"h2load h1 {size}"] = h2load(port, body, "--h1")
    honest.report(**figures)


main(honest.stand())
