"""Settings: units, inheritance, and what several backends of one rule come to.

A time is in milliseconds; `None` is "no limit". The order of levels is that of the manual: the rule or call, the service
called, the mesh, what is built in. Of several backends the strictest counts; one without a share decides nothing. (Where
one backend says a limit and another leaves it to what is built in, the one that is said counts: the manual leaves this open.)
"""

import re

BUILT_IN = {"request": None, "backendRequest": None, "connect": 1000, "idle": 300_000}
TIMES = ("request", "backendRequest", "connect", "idle")
ON = ("connect-failure", "refused-stream")
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def duration(text):
    """Milliseconds of a duration; None for `0s`, which is no limit."""
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m|h)", text).groups()
    return int(number) * UNITS[unit] or None


def spelled(milliseconds):
    """A duration as a spec has it."""
    if milliseconds is None:
        return "0s"
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def share(text):
    """A share in millionths."""
    return round(float(text.removesuffix("%")) * 10_000)


def size(text):
    """Bytes of a size."""
    number, unit = re.fullmatch(r"([0-9]+)(B|KiB|MiB|GiB)", text).groups()
    return int(number) << {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[unit]


def least(values):
    """The strictest of some limits, where `None` is no limit."""
    bounded = [value for value in values if value is not None]
    return min(bounded) if bounded else None


def _layers(own, services, defaults, part):
    """What the rule says of a setting, and what each of its services has: its own word, else that of the mesh."""
    mine = (own or {}).get(part) or {}
    others = [((service.get(part) or {}), ((defaults or {}).get(part) or {})) for service in services]
    return mine, others


def timeouts(own, services, defaults):
    """The four limits of a rule or call to these services; inner ones end with the outer ones."""
    mine, others = _layers(own, services, defaults, "timeout")
    settled = {}
    for name in TIMES:
        if name in mine:
            settled[name] = duration(mine[name])
            continue
        said = [service.get(name, mesh.get(name)) for service, mesh in others]
        said = [duration(value) for value in said if value is not None]
        settled[name] = least(said) if said else BUILT_IN[name]
    settled["backendRequest"] = least([settled["backendRequest"], settled["request"]]) if settled[
        "backendRequest"
    ] is not None else None
    settled["connect"] = least([settled["connect"], settled["backendRequest"], settled["request"]])
    return settled


def in_flight(own, services):
    """How many requests run at one time; None is no limit."""
    if "maxInFlight" in own:
        return own["maxInFlight"]
    return least([service.get("maxInFlight") for service in services])


def single(own, services, body):
    """Settings that are not built in: the largest body in bytes, requests at one time, whether trailers and upgrades pass."""
    return {
        "maxBody": size(body) if body else None,
        "maxInFlight": in_flight(own, services),
        "trailers": "pass" if own.get("trailers") == "pass" else None,
        "upgrade": "websocket" if own.get("upgrade") else None,
    }


def retry(own, services, defaults):
    """Tries, what is worth one, how long is waited before, and whether repeating does no harm."""
    mine, others = _layers(own, services, defaults, "retry")

    def settle(name, join, built_in):
        if name in mine:
            return mine[name]
        said = [service.get(name, mesh.get(name, built_in)) for service, mesh in others]
        return join(said) if said else built_in

    attempts = int(settle("attempts", lambda said: min(int(value) for value in said), 2))
    on = settle("on", lambda said: [word for word in said[0] if all(word in other for other in said)], list(ON))
    idempotent = settle("idempotent", all, False)
    budget = settle("budget", lambda said: min(said, key=lambda text: 2e6 if text == "off" else share(text)), "20%")
    waits = {**(defaults.get("retry") or {}).get("backoff", {}), **mine.get("backoff", {})}
    base, most = duration(waits.get("base", "25ms")), duration(waits.get("max", "250ms"))
    return {"base": base, "max": most, "attempts": attempts, "on": tuple(sorted(map(str, on))), "idempotent": bool(idempotent), "budget": budget}
