#!/usr/bin/env python3
"""Runs every command on meshes of two sizes and says what each costs and how the cost grows.

    cargo build --profile dist --bin weft && python3 bench/linear.py            (1,000 and 10,000 services; 1,000 files of routes)
    python3 bench/linear.py build diff --sizes 500 2000 --weft /path/to/weft    (some commands, other sizes, another executable)

CPU is user and system time of all threads together, the median of the rounds; memory is the peak of what was resident. A ratio of the
times near the ratio of the sizes is linear. Nothing but the executable is needed.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import specs

HERE = os.path.dirname(os.path.abspath(__file__))
WEFT = os.path.join(os.path.dirname(HERE), "target", "dist", "weft")


def run(command, accepted=(0,)):
    """CPU seconds, wall seconds and peak MiB of a command."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accepted:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {said.decode()[-2000:]}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": time.monotonic() - started, "MiB": usage.ru_maxrss / 1024}


def median(rounds, command, before=lambda round: None, **more):
    runs = []
    for round in range(rounds):
        before(round)
        runs.append(run(command, **more))
    middle = sorted(runs, key=lambda one: one["cpu"])[len(runs) // 2]
    return {**middle, "MiB": max(one["MiB"] for one in runs)}


class Mesh:
    """A spec on disk, a copy of it in which one service differs, and where snapshots go."""

    def __init__(self, work, services):
        self.services = services
        self.spec, self.changed, self.dist = (f"{work}/{name}" for name in ("spec", "changed", "dist"))
        specs.many_services(self.spec, services, 10)
        specs.tests(self.spec, services)
        shutil.copytree(self.spec, self.changed)
        specs.slower(f"{self.changed}/services/s{services // 2}.yaml")

    def forget(self, _round=0):
        shutil.rmtree(self.dist, ignore_errors=True)


def commands(weft, mesh, rounds):
    """What is measured, by name."""
    middle, caller = f"s{mesh.services // 2}", f"service/s{mesh.services // 2}"
    request = f"GET http://{specs.callee(mesh.services // 2, mesh.services)}/v1/x"
    spec, dist = mesh.spec, mesh.dist
    build = [weft, "build", spec, "-o", dist]

    def rebuild(round):
        # The snapshot of the other spec is there, so every round changes one service.
        if round == 0:
            run(build)
        other.reverse()
        again[2] = other[0]

    other, again = [mesh.spec, mesh.changed], [*build]
    return {
        "check": lambda: median(rounds, [weft, "check", spec]),
        "build": lambda: median(rounds, build, mesh.forget),
        "unchanged": lambda: median(rounds, build),
        "rebuild": lambda: median(rounds, again, rebuild),
        "diff": lambda: median(rounds, [weft, "diff", spec, mesh.changed]),
        "diff-dist": lambda: median(rounds, [weft, "diff", dist, mesh.changed]),
        "why": lambda: median(rounds, [weft, "why", request, "--from", caller, "--snapshot", dist]),
        "why-spec": lambda: median(rounds, [weft, "why", request, "--from", caller, "--spec", spec]),
        "test": lambda: median(rounds, [weft, "test", spec]),
        "witness": lambda: median(rounds, [weft, "witness", spec]),
        "callers": lambda: median(rounds, [weft, "callers", middle, "--spec", spec]),
        "calls": lambda: median(rounds, [weft, "calls", "--spec", spec]),
        "inspect": lambda: median(rounds, [weft, "inspect", dist]),
        "inspect-node": lambda: median(rounds, [weft, "inspect", dist, "--node", f"service/{middle}"]),
        "dev": lambda: median(rounds, [weft, "dev", spec, "-o", dist, "--once"], mesh.forget),
    }


def measure(weft, services, only, rounds):
    with tempfile.TemporaryDirectory(prefix="weft-linear-") as work:
        mesh = Mesh(work, services)
        run([weft, "build", mesh.spec, "-o", mesh.dist])
        found = {}
        for name, measured in commands(weft, mesh, rounds).items():
            if only and name not in only:
                continue
            found[name] = measured()
            if not os.path.exists(f"{mesh.dist}/index.json"):
                run([weft, "build", mesh.spec, "-o", mesh.dist])
            print(f"  {services:>7,} services  {name:13} {shown(found[name])}", flush=True)
        return found


def routes(weft, rounds):
    """The table of one gateway: 100,000 routes on 1,000 hosts in 1,000 files."""
    with tempfile.TemporaryDirectory(prefix="weft-linear-") as work:
        specs.many_files(f"{work}/spec", 1000, 100)
        dist = f"{work}/dist"
        found = median(rounds, [weft, "build", f"{work}/spec", "-o", dist], lambda _: shutil.rmtree(dist, ignore_errors=True))
        print(f"  100,000 routes    {'build':13} {shown(found)}", flush=True)
        return found


def shown(one):
    return f"{one['cpu']:8.2f} s CPU {one['wall']:8.2f} s {one['MiB']:8.0f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="some of the commands, or `routes`")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 10_000], help="services of each mesh")
    parser.add_argument("--weft", default=WEFT, help="the executable")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write all figures there")
    arguments = parser.parse_args()
    found = {}
    if arguments.only != ["routes"]:
        found = {size: measure(arguments.weft, size, arguments.only, arguments.rounds) for size in arguments.sizes}
        smallest, largest = min(found), max(found)
        for name in found[smallest] if smallest < largest else ():
            times = found[largest][name]["cpu"] / max(found[smallest][name]["cpu"], 0.001)
            print(f"  {name:13} {times:6.1f} times the CPU at {largest / smallest:.0f} times the size")
    if not arguments.only or "routes" in arguments.only:
        found["routes"] = routes(arguments.weft, arguments.rounds)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
