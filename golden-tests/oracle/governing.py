"""Edits of what governs the mesh: they change no request, and the platform has to approve them (`weft explain G1`)."""

import copy
import datetime

from . import owners


def said(rng, spec):
    """A spec that says something of what governs, so that an edit can take it back; nothing of it is broken by any edit."""
    spec = copy.deepcopy(spec)
    for add in (_guardrail, _exemption, _assertion, _suppression):
        if rng.random() < 0.3:
            add(rng, spec)
    return spec


def edited(rng, old, new, made):
    """The new side and its lists after an edit of what governs, in one pair of three."""
    new = copy.deepcopy(new)
    for part in ("assert", "suppressions"):
        kept = [entry for entry in old.get(part) or [] if "at" not in entry or entry["at"]["route"] in new["routes"]]
        if kept:
            new[part] = copy.deepcopy(kept)
    if "guardrails" in old["mesh"]:
        new["mesh"]["guardrails"] = copy.deepcopy(old["mesh"]["guardrails"])
    made = copy.deepcopy(made)
    if rng.random() < 0.35:
        for _ in range(rng.choice([1, 1, 2])):
            edit = rng.choice([_lists, _lists, _guardrail, _exemption, _assertion, _suppression, _less])
            edit(rng, made if edit is _lists else new)
    return new, made


def _lists(rng, made):
    """A service or a host goes to another owner, or to nobody."""
    part = rng.choice(["services", "hosts"])
    named = [(owner, entry) for owner, one in made.items() for entry in one[part]]
    if named:
        owner, entry = rng.choice(named)
        made[owner][part].remove(entry)
        other = rng.choice([*owners.TEAMS, owners.PLATFORM, None])
        if other:
            made[other][part].append(entry)


def _guardrail(rng, spec):
    """A bound that no spec of ours exceeds, or another value of it."""
    rails = spec["mesh"].setdefault("guardrails", [])
    if not rails:
        rails.append({"bound": "timeout.request", "why": "slots ran out"})
    rails[0]["max"] = rng.choice(["40s", "50s", "60s"])


def _exemption(rng, spec):
    """An exemption from the bound."""
    if "guardrails" not in spec["mesh"]:
        _guardrail(rng, spec)
    service = rng.choice(list(spec["services"]))
    entry = {"for": {"service": service}, "max": "90s", "reason": "batch", "owner": "a", "until": _soon()}
    spec["mesh"]["guardrails"][0]["exempt"] = [entry]


def _assertion(rng, spec):
    """An assertion that holds of every spec of ours."""
    spec["assert"] = [{"name": f"ends-{rng.randint(1, 2)}", "bound": {"for": {}, "timeout": "1h"}}]


def _suppression(rng, spec):
    """A suppression of a remark."""
    name = rng.choice(list(spec["routes"]))
    spec["suppressions"] = [
        {"code": "plaintext-exposure", "at": {"route": name}, "reason": "nobody minds", "owner": "a", "until": _soon()}
    ]


def _soon():
    """A day within the year that a suppression or an exemption may hold."""
    return str(datetime.date.today() + datetime.timedelta(days=200))


def _less(rng, spec):
    """Something is taken back."""
    spec.pop(rng.choice(["assert", "suppressions"]), None)
    if rng.random() < 0.5:
        spec["mesh"].pop("guardrails", None)


def changed(old, new, before, after):
    """What governs and changes from one written spec to another, of which these are the owners.

    Definitions that go from one owner to the same other are one.
    """
    sides = [_governing(spec) for spec in (old, new)]
    rules = [key for key in sorted(set(sides[0]) | set(sides[1])) if sides[0].get(key) != sides[1].get(key)]
    routes = sorted(set(old["routes"]) & set(new["routes"]))
    services = sorted(set(old["services"]) & set(new["services"]))
    moves = [(before.of_route(name), after.of_route(name)) for name in routes]
    moves += [(before.of_service(name), after.of_service(name)) for name in services]
    return rules + [("owner", *move) for move in sorted({(was, new) for was, new in moves if was != new})]


def _governing(spec):
    """All that governs, by what it is; the order of lists counts for nothing."""
    mesh = spec["mesh"]
    found = {("team", team): _sets(named) for team, named in mesh["teams"].items()}
    found["platform",] = _sets(mesh["platform"])
    for rail in mesh.get("guardrails") or []:
        found["guardrail", rail["bound"]] = {key: value for key, value in rail.items() if key != "exempt"}
        for at, entry in enumerate(rail.get("exempt") or []):
            found["exemption", rail["bound"], str(at)] = entry
    for claim in spec.get("assert") or []:
        found["assertion", claim["name"]] = claim
    for name, service in spec["services"].items():
        if "sensitivity" in service:
            found["declaration", name] = service["sensitivity"]
    for entry in spec.get("suppressions") or []:
        found["suppression", entry["code"]] = entry
    return found


def _sets(named):
    return {key: sorted(value) for key, value in named.items()}
