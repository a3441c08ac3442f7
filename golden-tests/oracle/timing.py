"""Settings of time, retries and guardrails: random ones, and which findings they deserve.

The services of these specs call nobody, so that no finding is about a chain.
"""

from . import emit, findings, settings
from .report import Disagreement

TIMES = ["0s", "100ms", "500ms", "1s", "2s", "5s", "10s"]
PARTS = ("request", "backendRequest", "connect", "idle")


def _timeout(rng):
    return {part: rng.choice(TIMES) for part in PARTS if rng.random() < {"request": 0.6, "backendRequest": 0.4}.get(part, 0.2)}


def _retry(rng):
    made = {"attempts": rng.choice([1, 2, 3, 4, 5])}
    if rng.random() < 0.6:
        made["on"] = rng.choice([["backend-timeout"], ["503"], ["connect-failure"], ["backend-timeout", "reset"]])
        made["on"] = [int(word) if word.isdigit() else word for word in made["on"]]
    if rng.random() < 0.4:
        made["budget"] = rng.choice(["5%", "20%", "50%", "off"])
    return made


def spec(rng):
    """Two services, a gateway, a rule for each of a few paths."""
    mesh = {"name": "m", "trustDomain": "m.test", "mtls": "disabled", "defaults": {}, "teams": {"slow": {}}, "platform": {"files": ["*"]}}
    if rng.random() < 0.6:
        mesh["defaults"]["timeout"] = _timeout(rng)
    if rng.random() < 0.4:
        mesh["defaults"]["retry"] = _retry(rng)
    bounds = {
        "timeout.request": ["1s", "5s"], "timeout.backendRequest": ["1s"], "timeout.connect": ["500ms"],
        "timeout.idle": ["5s"], "retry.attempts": ["2", "3"], "retry.budget": ["20%"],
    }
    mesh["guardrails"] = [
        {"bound": bound, "max": rng.choice(values), "why": "a lesson"} for bound, values in bounds.items() if rng.random() < 0.4
    ]
    for guardrail in mesh["guardrails"]:
        if guardrail["bound"].startswith("timeout") and rng.random() < 0.4:
            place = rng.choice([{"route": "r0"}, {"service": "s0"}, {"route": "r0", "rule": "1"}])
            guardrail["exempt"] = [
                {"for": place, "max": "5s", "reason": "slow", "owner": "slow", "until": "2027-01-01"}
            ]
    services = {}
    for at in range(2):
        service = {"protocol": "http", "endpoints": [f"127.0.0.1:{21_000 + at}"]}
        if rng.random() < 0.5:
            service["timeout"] = _timeout(rng)
        if rng.random() < 0.3:
            service["retry"] = _retry(rng)
        if rng.random() < 0.15:
            service["streaming"] = True
        services[f"s{at}"] = service
    rules = []
    for at in range(4):
        rule = {"name": f"{at}", "path": f"/p{at}", "to": f"s{rng.randrange(2)}"}
        if rng.random() < 0.5:
            rule["timeout"] = _timeout(rng)
        if rng.random() < 0.4:
            rule["retry"] = _retry(rng)
        rules.append(rule)
    return {
        "mesh": mesh,
        "gateways": {"g": {"listeners": {"l": {"port": 20_000, "protocol": "http"}}}},
        "services": services,
        "routes": {"r0": {"on": "g/l", "host": "*", "rules": rules}},
    }


def _magnitude(bound, value):
    """How large a value is, or infinity."""
    if bound.startswith("timeout"):
        found = settings.duration(value)
        return float("inf") if found is None else found
    if bound == "retry.budget":
        return float("inf") if value == "off" else settings.share(value)
    return int(value)


def _said(written, bound):
    part, _, name = bound.partition(".")
    return (written.get(part) or {}).get(name)


def exceeded(made):
    """Every place whose setting is beyond a guardrail."""
    places = [(("mesh", "mesh"), made["mesh"]["defaults"])]
    places += [(("service", name), service) for name, service in made["services"].items()]
    places += [(("rule", f"r0/{at}"), rule) for at, rule in enumerate(made["routes"]["r0"]["rules"])]
    found = set()
    for guardrail in made["mesh"]["guardrails"]:
        for place, written in places:
            value = _said(written, guardrail["bound"])
            if value is None:
                continue
            most = _magnitude(guardrail["bound"], guardrail["max"])
            for exemption in guardrail.get("exempt") or []:
                if _is_at(exemption["for"], place):
                    most = max(most, _magnitude(guardrail["bound"], exemption["max"]))
            if most < _magnitude(guardrail["bound"], value):
                found.add(place)
    return found


def _is_at(where, place):
    kind, name = place
    if "service" in where:
        return kind == "service" and where["service"] == name
    return kind == "rule" and name.split("/")[0] == where["route"] and where.get("rule") in (None, name.split("/")[1])


def effective(made, rule):
    """The limits of a rule, from whoever says them first."""
    service = made["services"][rule["to"]]
    return settings.timeouts(rule, [service], made["mesh"]["defaults"]), settings.retry(rule, [service], made["mesh"]["defaults"])


def says(made, rule, part):
    """The value that counts for a rule, and None where nobody says one."""
    for written in (rule, made["services"][rule["to"]], made["mesh"]["defaults"]):
        value = (written.get("timeout") or {}).get(part)
        if value is not None:
            return value
    return None


def inverted(made, rule):
    """Whether a rule is more patient than its service offers, or its inner limit than its outer one."""
    own = rule.get("timeout") or {}
    contract = made["services"][rule["to"]].get("timeout") or {}
    for part in own:
        if part in contract and _longer(own[part], contract[part]):
            return True
    order = ("request", "backendRequest", "connect")
    for at, inner in enumerate(order):
        for outer in order[:at]:
            around = says(made, rule, outer)
            # An inner limit that is switched off is no patience; the outer one ends it.
            if own.get(inner, "0s") != "0s" and around is not None and _longer(own[inner], around):
                return True
    return False


def _longer(one, other):
    return _magnitude("timeout", one) > _magnitude("timeout", other)


def rounds(bench, number):
    """One spec of times."""
    made = spec(bench.random("timing", number))
    place = bench.place(f"timing-{number}")
    places = emit.write(made, place)
    # What is built in exceeds a guardrail where nothing is written; that is about the guardrail.
    lines = [line for line in bench.weft.check(place) if "the built-in" not in line["message"]]
    told = findings.Findings(lines, places)
    bench.report.count("specs timed")
    bench.note(compare(made, told), {"spec": place}, number)


def compare(made, told):
    """All disagreements about times."""
    beyond = exceeded(made)
    endless = []
    for place in [("mesh", "mesh"), *(("service", name) for name in made["services"])]:
        yield from _both("guardrail-exceeded", place in beyond, told.of("guardrail-exceeded", *place), place)
    for at, rule in enumerate(made["routes"]["r0"]["rules"]):
        place = ("rule", f"r0/{at}")
        yield from _both("guardrail-exceeded", place in beyond, told.of("guardrail-exceeded", *place), place)
        turned = inverted(made, rule)
        yield from _both("timeout-inversion", turned, told.of("timeout-inversion", *place), place)
        if says(made, rule, "request") is None and says(made, rule, "backendRequest") is None:
            endless.append(place)
        fits = _fits(*effective(made, rule))
        if rule.get("retry") and fits is not None and not turned:
            yield from _both("tries-do-not-fit", not fits, told.of("tries-do-not-fit", *place), place)
    said = [place for place, _ in told.by_code.get("unbounded-wait", [])]
    if bool(endless) != bool(said) or not set(said) <= set(endless):
        yield Disagreement("unbounded-wait", f"may wait for ever: {endless}, said {said}")


def _fits(limits, tries):
    """Whether every try can start; None where it is a matter of a moment."""
    if "backend-timeout" not in tries["on"] or limits["request"] is None:
        return True
    used = (tries["attempts"] - 1) * (limits["backendRequest"] or limits["request"])
    return None if used == limits["request"] and 2 < tries["attempts"] else used < limits["request"]


def _both(code, truth, said, place):
    if truth != said:
        yield Disagreement(code, f"{place}: is so {truth}, said {said}")
