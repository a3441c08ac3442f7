"""Requests to ask a spec about, each with what the manual says about it, as `tests:` of that spec."""

from . import conditions, hosts, meaning, settings, space as spaces, tables

ODD_TARGETS = [
    "//a", "/a//b", "/a/./b", "/a/../b", "/../a", "/%61", "/a%2Fb", "/a%2fb/z", "/a\\b", "/a%00", "/A", "/a/b/ab/z/a",
    "/a%20b", "/%7Ea", "/a/%zz", "/a?q=1&q=2", "/a?q=%31", "/a?q=+1", "/b?x&q=2", "/a/..", "/.", "/a/b/..", "/a//", "/ab/",
]
ODD_HEADERS = [
    (("x-a", "1"), ("x-a", "2")), (("x-a", "1"), ("x-a", "1")), (("X-A", "1"),), (("x-b", "1"), ("x-b", "z"), ("x-a", "1")),
    (("x_a", "1"),), (("x-a", "z"), ("x-a", "12")),
]


def sample(rng, mesh, space, number):
    """Requests to gateways and from services: node, port, sender, request."""
    names = tables.known_hosts(mesh)
    places = sorted({(one.node, one.port, one.protocol) for one in mesh.listeners})
    callers = [name for name in mesh.services if mesh.calls(name)]
    for _ in range(number):
        method, target, headers = _point(rng, space)
        if callers and rng.random() < 0.25:
            caller = rng.choice(callers)
            host = rng.choice([*mesh.calls(caller), *mesh.services])
            yield None, None, caller, meaning.Request(method, host, target, headers)
            continue
        node, port, _ = rng.choice(places)
        host = rng.choice(names)
        if rng.random() < 0.05:
            host = rng.choice([host.upper(), host + "."])
        yield node, port, None, meaning.Request(method, host, target, headers)


def _point(rng, space):
    path = rng.choice(space.plain)
    method, values = rng.choice(space.conditions)
    method, target, headers = spaces.spelled(path, method, values)
    if rng.random() < 0.12:
        target = rng.choice(ODD_TARGETS)
    if rng.random() < 0.1:
        headers = rng.choice(ODD_HEADERS)
    if rng.random() < 0.02:
        method = rng.choice(["TRACE", "HEAD", "OPTIONS", "get"])
    kind = rng.random()
    if kind < 0.03:
        target += ("&" if "?" in target else "?") + "pad=" + "p" * 70
    elif kind < 0.06:
        headers += tuple((f"x-more-{at}", "1") for at in range(11))
    elif kind < 0.09:
        headers += (("x-long", "l" * 1100),)
    return method, target, headers


def answer(mesh, space, node, port, sender, request, secure=False):
    """What the manual says: the listener, if any, and what the first proxy does."""
    if sender is not None:
        return None, meaning.from_service(mesh, sender, request, space)
    sni = hosts.canonical(request.host)
    return meaning.at_gateway(mesh, node, port, request, space, sni=sni, secure=secure)


def as_test(mesh, name, node, port, sender, request, made):
    """A test that holds if `weft` agrees; None where nothing can be asked."""
    if made.reason in ("bad-host", "ambiguous") or request.method == "get":
        return None
    test = {"name": name, "request": f"{request.method} {url(mesh, node, port, request)}"}
    if sender is not None:
        test["from"] = f"service/{sender}"
    lines = {}
    for key, value in request.headers:
        lines.setdefault(key, []).append(value)
    if lines:
        test["headers"] = {key: values if len(values) > 1 else values[0] for key, values in lines.items()}
    if len({key.lower() for key in lines}) != len(lines):
        return None
    expect = {}
    if made.rule and not made.open:
        expect["route"] = made.rule
    if made.status is not None:
        expect["status"] = made.status
    else:
        expect |= _forwarded(mesh, node, sender, request, made)
    if sender is not None:
        expect.pop("route", None)
    test["expect"] = expect
    return test


def _forwarded(mesh, node, sender, request, made):
    expect = {"path": made.path, "attempts": str(dict(made.retry)["attempts"])}
    if not made.backends:
        return expect
    every = mesh.backends(made.rule)
    if not made.open:
        # Of rules that do the same, one may name a backend without a share, and which of them decides is open.
        expect["backend"] = (
            {name: spelled_share(part) for name, part in every.items()} if 1 < len(every) else next(iter(every))
        )
    if made.timeouts[0] is not None:
        expect["timeout"] = settings.spelled(made.timeouts[0])
    expect["settings"] = _settings(node, made)
    caller = node or f"service/{sender}"
    verdicts = {verdict is None for verdict in meaning.behind(mesh, caller, made, request.method).values()}
    if len(verdicts) == 1:
        expect["allowed"] = verdicts.pop()
        if not expect["allowed"]:
            expect["status"] = 403
    return expect


def _settings(node, made):
    """Settings by name, but for those that have no limit."""
    limits = dict(zip(settings.TIMES, made.timeouts))
    found = {f"timeout.{name}": settings.spelled(limit) for name, limit in limits.items() if limit is not None}
    tries = dict(made.retry)
    if 1 < tries["attempts"]:
        found["retry.budget"] = tries["budget"]
        found["retry.backoff.base"], found["retry.backoff.max"] = settings.spelled(tries["base"]), settings.spelled(tries["max"])
    said = dict(made.changes)
    if "maxInFlight" in said:
        found["maxInFlight"] = str(said["maxInFlight"])
    if "maxBody" in said:
        found["maxBody"] = f"{said['maxBody']}B"
    if node is not None:
        # Between sidecars both have rules of their own.
        found["trailers"] = said.get("trailers", "drop")
        if "upgrade" in said:
            found["upgrade"] = said["upgrade"]
    return found


def spelled_share(part):
    """A share as a spec has it."""
    return f"{part / 10_000:g}%"


def url(mesh, node, port, request):
    """The address of a request, with its port where it goes to a gateway."""
    if node is None:
        return f"http://{request.host}{request.target}"
    protocol = next(one.protocol for one in mesh.listeners if one.node == node and one.port == port)
    return f"{protocol}://{request.host}:{port}{request.target}"


def disagrees(made, result):
    """What `weft test` says otherwise, or None."""
    if made.reason in ("unknown-host", "method-refused"):
        said = " ".join(result["failures"])
        # Which of two refusals comes first is not said anywhere.
        return None if "no listener takes" in said or result["passed"] else said
    return None if result["passed"] else "; ".join(result["failures"])
