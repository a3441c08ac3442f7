"""What takes many requests or some time to see on the wire: shares of a split, and limits of time."""

import random

from . import client, meaning, settings, tables
from .report import Disagreement
from .space import spelled

TRIES = 40
DELAY = 1300


def points(mesh, space):
    """For every rule of a gateway that forwards: a request that it alone takes, on a listener without TLS."""
    names = tables.known_hosts(mesh)
    for listener in mesh.listeners:
        if listener.protocol != "http":
            continue
        for pattern, rules in listener.table.items():
            reach = tables.served(listener, pattern, mesh, names)
            table = tables.Table(rules, mesh, space)
            for at, rule in enumerate(rules):
                if reach and table.dead(at) is False and rule.live:
                    found = next(space.points(table.wins[at]), None)
                    method, target, headers = spelled(*found)
                    request = meaning.Request(method, reach[0], target, headers)
                    _, made = meaning.at_gateway(mesh, listener.node, listener.port, request, space)
                    if made.rule == rule.id and not made.open:
                        yield listener, request, made


def shares(mesh, space, report):
    """A split gives every backend what it says, of a row of requests, give or take one."""
    for listener, request, made in points(mesh, space):
        if len(made.backends) < 2 or any(meaning.behind(mesh, listener.node, made, request.method).values()):
            continue
        connection = client.Connection(listener.port)
        seen = {}
        for _ in range(TRIES):
            answer = connection.ask(request, request.host)
            name = answer.headers.get("x-origin", str(answer.status))
            seen[name] = seen.get(name, 0) + 1
        connection.close()
        report.count("requests on the wire", TRIES)
        for name, part in made.backends:
            if 1 < abs(seen.get(name, 0) - TRIES * part / 1_000_000):
                yield Disagreement("wire-shares", f"{made.rule} {made.backends}: {seen} of {TRIES}", str(request))


def limits(mesh, space, report):
    """A request that takes longer than its limit ends with 504, and one that does not is answered."""
    known = list(points(mesh, space))
    random.Random(len(known)).shuffle(known)
    for listener, request, made in known[:1]:
        if any(meaning.behind(mesh, listener.node, made, request.method).values()):
            continue
        connection = client.Connection(listener.port)
        answer = connection.ask(request, request.host, more=[("x-delay", str(DELAY))])
        connection.close()
        report.count("requests on the wire")
        ends = {_ends(mesh, made, name) for name, _ in made.backends}
        if len(ends) == 1 and None not in ends and answer.status != ends.pop():
            idle = next(rule for rule in mesh.rules() if rule.id == made.rule).has_idle_backend
            yield Disagreement("idle-backend" if idle else "wire-limits", f"{made.timeouts} {made.backends}: {answer} after {DELAY} ms", str(request))


def _ends(mesh, made, name):
    """The status after a wait of `DELAY`; None where a moment decides."""
    written = mesh.services[name.split("@")[0]]
    known = [made.timeouts[0], made.timeouts[1]]
    if "app" in written:
        known.append(settings.timeouts({}, [written], mesh.defaults)["request"])
    bound = settings.least(known)
    if bound is not None and abs(bound - DELAY) < 250:
        return None
    return 504 if bound is not None and bound < DELAY else 200
