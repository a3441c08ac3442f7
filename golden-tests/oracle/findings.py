"""Findings of `weft check` about routes, held against all requests of the space.

Each comparison goes both ways: what is reported is so, and what is so is reported.
"""

from pathlib import Path

from . import hosts, tables
from .report import Disagreement

ROUTE_CODES = ("dead-route", "identical-routes", "detached-route", "unmatchable", "ambiguous-routes", "no-effect-route")


def place_of(places, line):
    """What stands on the line of a finding or of one of its labels, as kind and name."""
    return places.get((Path(line["file"]).name, line["line"]), (None, None))


class Findings:
    """The findings of one spec, by code and by what they are about."""

    def __init__(self, lines, places):
        self.by_code = {}
        for line in lines:
            place = place_of(places, line)
            self.by_code.setdefault(line["code"], []).append((place, line))
        self.lines = lines

    def errors(self):
        """The codes of all errors."""
        return {line["code"] for line in self.lines if line["severity"] == "error"}

    def of(self, code, kind, name):
        """Whether a finding of this code is about it."""
        return any(place == (kind, name) for place, _ in self.by_code.get(code, []))

    def any_of(self, codes, kind, name):
        """Whether one of these codes is found there."""
        return any(self.of(code, kind, name) for code in codes)


def compare(mesh, findings, space):
    """All disagreements about the rules of gateways."""
    found = []
    names = tables.known_hosts(mesh)
    everywhere = {}
    for listener in mesh.listeners:
        for pattern, rules in listener.table.items():
            table = tables.Table(rules, mesh, space)
            reach = tables.served(listener, pattern, mesh, names)
            found += _hosts(listener, pattern, rules, reach, findings)
            for at, rule in enumerate(rules):
                everywhere.setdefault(rule.id, []).append((table, at, bool(reach)))
            if reach:
                found += _ambiguous(table, findings)
                found += _no_effect(table, findings)
                found += _uncovered(listener, pattern, table, findings)
                found += _hidden(listener, pattern, table, mesh, names, findings)
    for name, places in everywhere.items():
        found += _dead(name, places, findings)
        found += _ordered(name, places, findings)
    return found


def _hosts(listener, pattern, rules, reach, findings):
    """Rules that no host reaches are reported, and no others are said to be detached."""
    for rule in rules:
        route = rule.id.split("/")[0]
        is_said = findings.of("detached-route", "rule", rule.id) or any(
            place == ("route", route) and f"`{pattern}`" in line["message"]
            for code in ("detached-route", "dead-route")
            for place, line in findings.by_code.get(code, [])
        )
        if is_said and reach:
            yield Disagreement("detached-route", f"`{route}` is said to be detached, but {reach[0]} reaches it")
        if not reach and not is_said and not findings.any_of(ROUTE_CODES, "rule", rule.id):
            what = f"no host of listener {listener.name} reaches `{rule.id}` of host {pattern}, and nothing says so"
            yield Disagreement("dead-by-hosts", what)


def _dead(name, places, findings):
    """Rules of which others take everything, on each host of the route."""
    is_said = findings.of("dead-route", "rule", name)
    taking = [(table, at) for table, at, reach in places if reach and table.dead(at) is False]
    if is_said and taking:
        table, at = taking[0]
        yield Disagreement("dead-route", f"`{name}` is said to be dead, but takes {next(table.space.points(table.wins[at]))}")
    is_dead = all(reach and table.dead(at) for table, at, reach in places)
    identical = any(at in pair for table, at, _ in places for pair in table.identical())
    if is_dead and not is_said and not identical and not findings.of("identical-routes", "rule", name):
        yield Disagreement("dead-route", f"`{name}` is dead, and nothing says so")


def _ambiguous(table, findings):
    """Pairs of rules between which only an order of the file could decide. Of rules that match the same requests, one speaks for all."""
    alike = {}
    for one, twin in table.identical():
        alike.setdefault(one, {one}).add(twin)
        alike.setdefault(twin, {twin}).add(one)
    for at, other, where in table.ambiguous():
        pair = (table.rules[at].id, table.rules[other].id)
        named = {table.rules[rule].id for one in (at, other) for rule in alike.get(one, {one})}
        codes = ["ambiguous-routes", "identical-routes"]
        if table.masks[at] == table.masks[other]:
            codes.append("dead-route")
        if not any(findings.any_of(codes, "rule", name) for name in named):
            point = next(table.space.points(where))
            yield Disagreement("ambiguous-routes", f"nothing decides between {pair} for {point}, and nothing says so")


def _ordered(name, places, findings):
    """Rules that are said to be ambiguous are, on some host of the route."""
    meeting = {at for table, at, _ in places for pair in (*table.ambiguous(), *table.coincidences()) if at in pair[:2]}
    for place, line in findings.by_code.get("ambiguous-routes", []):
        if place == ("rule", name) and not meeting:
            yield Disagreement("ambiguous-routes", f"`{name}` is ordered everywhere: {line['message']}")


def _no_effect(table, findings):
    """Rules without which nothing would change."""
    identical = {at for pair in table.identical() for at in pair}
    if any(table.ambiguous()):
        return
    for at, rule in enumerate(table.rules):
        is_said = findings.of("no-effect-route", "rule", rule.id)
        if not is_said and (at in identical or table.dead(at) is not False):
            continue
        changed = effect(table, at)
        if is_said and changed:
            yield Disagreement("no-effect-route", f"`{rule.id}` is said to be without effect: {changed}")


def effect(table, at):
    """What deleting a rule would do: a request that it changes or makes ambiguous, or None."""
    rest = table.without(at)
    for one, other, where in rest.ambiguous():
        point = next(table.space.points(where & table.masks[at]), None)
        if point:
            return f"without it nothing decides between {rest.rules[one].id} and {rest.rules[other].id} for {point}"
    left = table.wins[at]
    for other, mask in rest.decisions():
        part = mask & left
        for path, where in table.space.paths_in(part):
            if other is None or not tables.alike(table.rules[at], rest.rules[other], path, table.mesh):
                instead = None if other is None else rest.rules[other].id
                condition = table.space.conditions[(where & -where).bit_length() - 1]
                return f"{path} {condition} would go to {instead}"
    return None


def _uncovered(listener, pattern, table, findings):
    """Hosts without a rule for some requests."""
    is_open = table.covered != table.space.coming(table.rules)
    is_said = any(
        f"host `{pattern}`" in line["message"] and any(place == ("rule", rule.id) for rule in table.rules)
        for place, line in findings.by_code.get("uncovered-space", [])
    )
    if is_open != is_said and not _is_broken(table, findings):
        what = "has requests without a rule" if is_open else "has a rule for every request"
        yield Disagreement("uncovered-space", f"host {pattern} of {listener.name} {what}; said: {is_said}")


def _is_broken(table, findings):
    codes = ("ambiguous-routes", "identical-routes", "unmatchable", "unproven-host")
    return any(findings.any_of(codes, "rule", rule.id) for rule in table.rules)


def _hidden(listener, pattern, table, mesh, names, findings):
    """Hosts that take requests away from a wildcard above them and have no rule for them."""
    above = [other for other in listener.table if other != pattern and hosts.covers(other, pattern)]
    if not above or _is_broken(table, findings):
        return
    nearest = max(above, key=hosts.rank)
    outer = tables.Table(listener.table[nearest], mesh, table.space)
    lost = outer.covered & ~table.covered
    is_said = any(
        line["message"].startswith(f"host `{pattern}` ")
        and (any(place == ("rule", rule.id) for rule in table.rules) or place == ("route", table.rules[0].id.split("/")[0]))
        for place, line in findings.by_code.get("host-hides-wildcard", [])
    )
    if lost and not is_said:
        point = next(table.space.points(lost))
        yield Disagreement("host-hides-wildcard", f"{pattern} hides {nearest} for {point}, and nothing says so")
    if is_said and not lost:
        yield Disagreement("host-hides-wildcard", f"{pattern} is said to hide something of {nearest}")
