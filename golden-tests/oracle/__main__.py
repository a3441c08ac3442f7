"""Holds `weft` and `weft-proxy` against the manual: `python3 -m oracle --specs 20 --pairs 20 --requests 2000`."""

import argparse
import sys
import tempfile
from pathlib import Path

from . import run, sabotage, small, stand, timing, wire
from .report import Report
from .space import Space
from .weft import Weft


def arguments():
    """What the command takes."""
    parser = argparse.ArgumentParser(prog="oracle", description=__doc__)
    parser.add_argument("--specs", type=int, default=20, help="random specs, raw and repaired")
    parser.add_argument("--pairs", type=int, default=20, help="specs with an edit, for `weft diff`")
    parser.add_argument("--requests", type=int, default=2000, help="requests, half of them on the wire")
    parser.add_argument("--wire", type=int, default=4, help="specs that run: proxies on loopback")
    parser.add_argument("--small", type=int, default=300, help="tables of a small alphabet, and a third as many diffs")
    parser.add_argument("--seed", type=int, default=1, help="the same number, the same run")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    parser.add_argument("--weft", default="weft", help="the compiler")
    parser.add_argument("--proxy", default="weft-proxy", help="the proxy")
    parser.add_argument("--out", type=Path, help="where reproductions go; a temporary folder by default")
    wrong = ["all", *sabotage.MEANINGS]
    parser.add_argument("--sabotage", nargs="?", const="all", choices=wrong, help="with wrong meanings, so that the run has to fail")
    return parser.parse_args()


def on_wire(bench, chosen, work):
    """The rounds with running proxies."""
    if not chosen.wire:
        return
    ground = stand.Ground(work, chosen.proxy)
    try:
        rounds = wire.Wire(bench, ground)
        for number in range(chosen.first, chosen.first + chosen.wire):
            rounds.round(number, max(1, chosen.requests // 2 // chosen.wire))
    finally:
        ground.close()


def main():
    """Runs all rounds; 1 if anything is wrong."""
    chosen = arguments()
    out = chosen.out or Path(tempfile.mkdtemp(prefix="weft-oracle-"))
    report = Report(out)
    if chosen.sabotage:
        sabotage.apply(chosen.sabotage)
    with tempfile.TemporaryDirectory(prefix="weft-oracle-work-") as work:
        bench = run.Bench(Weft(chosen.weft), Space(), report, Path(work), chosen.seed)
        each = max(1, chosen.requests // 2 // max(1, chosen.specs))
        for number in range(chosen.first, chosen.first + chosen.specs):
            run.raw_spec(bench, number)
            run.sound_spec(bench, number, each)
            timing.rounds(bench, number)
            if number % 4 == 0:
                run.mutated(bench, number)
        for number in range(chosen.first, chosen.first + chosen.pairs):
            run.pair(bench, number)
        small.rounds(bench, chosen.small)
        small.pairs(bench, chosen.small // 3)
        on_wire(bench, chosen, Path(work))
    print(report.closing())
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
