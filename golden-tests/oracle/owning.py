"""`weft diff --by TEAM`: whose requests an edit treats differently, by `docs/ownership.md`, and so who has to be asked.

Each pair gets teams: lists of hosts and services, and routes with a team. Whatever changes has owners on both sides; an edit by a team is
foreign if and only if something changes that is not that team's alone. Files and definitions stay the platform's here, and no edit
changes who owns what: those are tested in Rust alone.
"""

import copy

from . import diffing, emit, generate, hosts, sameness, tables
from .report import Disagreement
from .spec import Mesh

TEAMS = ("a", "b")
PLATFORM = "platform"
REFUSED = {"wrong-owner", "unclear-owner", "foreign-suppression"}


def lists(rng, spec):
    """Who lists which hosts and services."""
    owners = [*TEAMS, PLATFORM]
    made = {owner: {"hosts": [], "services": []} for owner in owners}
    for host in generate.HOSTS:
        if rng.random() < 0.6:
            made[rng.choice(owners)]["hosts"].append(host)
    for service in spec["services"]:
        if rng.random() < 0.8:
            made[rng.choice(owners)]["services"].append(service)
    return made


def owned(spec, made):
    """The spec with these lists, and with a team on each route that is within what the team lists."""
    spec = copy.deepcopy(spec)
    spec["mesh"]["teams"] = {team: made[team] for team in TEAMS}
    spec["mesh"]["platform"] = {**made[PLATFORM], "files": ["**"]}
    for route in spec["routes"].values():
        mine = [host for host in tables.known_hosts(more=generate.HOSTS) if hosts.has(route["host"], host)]
        owners = {_listed(made, host)[0] for host in mine}
        if len(owners) == 1 and owners <= set(TEAMS):
            route["team"] = owners.pop()
    return spec


def _listed(made, host):
    """Who has the most specific entry for a host, and that entry."""
    patterns = {pattern: owner for owner, named in made.items() for pattern in named["hosts"]}
    best = hosts.best(patterns, host)
    return (patterns[best], best) if best else (None, None)


class Owners:
    """The owners of one side."""

    def __init__(self, side, made):
        self.side = side
        self.made = made

    def of_service(self, service):
        """Whoever lists it; else the owner of its file."""
        return next((owner for owner, named in self.made.items() if service in named["services"]), PLATFORM)

    def of_request(self, host, rules):
        """Those who have a say about a request to a gateway that these rules take; several do the same where they are open."""
        owner, entry = _listed(self.made, host)
        found = {owner} - {None}
        for rule in rules:
            route = self.side.mesh.routes[rule.split("/")[0]]
            if entry is None or hosts.rank(entry) <= hosts.rank(route["host"]):
                found.add(route.get("team", PLATFORM))
        return found

    def of_receivers(self, rule):
        """The owners of the services that get the requests of a rule; nobody where it forwards nothing."""
        return {self.of_service(name.split("@")[0]) for name in rule.live} if rule is not None else set()


def changed(old, new):
    """Everything that an edit changes, as owners and the owners of those who got the requests and still get them."""
    before, after = old.side, new.side
    names = tables.known_hosts(before.mesh, after.mesh, more=generate.HOSTS)
    for node, *ports in _ports(before, after):
        for host in names:
            (one, first), (other, second) = (side.at(node, port, host) for side, port in zip((before, after), ports))
            for was, now, point, _, _ in diffing.changes(before, after, first, second):
                rules = [side.deciding(node, port, host, point) for side, port in zip((before, after), ports)]
                owners = old.of_request(host, rules[0]) | new.of_request(host, rules[1])
                yield owners or {PLATFORM}, _kept(old, new, was, now), f"{node} {host} {point}"
            if one and other and sameness.reading(one) != sameness.reading(other):
                yield {PLATFORM}, set(), f"listener {other.name} for {host}"
    for one in before.mesh.listeners:
        for other in after.mesh.listeners:
            if (one.node, one.name) == (other.node, other.name) and _listens(one) != _listens(other):
                yield {PLATFORM}, set(), f"listener {other.name}"
    for service in sorted(set(before.mesh.services) & set(after.mesh.services)):
        yield from _at_service(old, new, service)


def _ports(before, after):
    """Each node with its ports before and after; one that moves takes its requests along."""
    places = diffing.places(before, after)
    for node in sorted({node for node, _ in places}):
        moved = diffing.moves(before, after, node)
        yield from ((node, *pair) for pair in moved)
        yield from ((node, port, port) for one, port in places if one == node and all(port not in pair for pair in moved))


def _listens(listener):
    """Where it listens, and what it does with every request; which hosts it gets is seen by their requests."""
    return listener.port, sameness.reading(listener)


def _at_service(old, new, service):
    before, after = old.side, new.side
    owners = {old.of_service(service), new.of_service(service)}
    for callee in sorted(set(before.mesh.calls(service)) | set(after.mesh.calls(service))):
        found = diffing.changes(before, after, before.calls(service, callee), after.calls(service, callee))
        for was, now, point, _, _ in found:
            yield owners, _kept(old, new, was, now), f"{service} calls {callee} {point}"
    admitted = [diffing.admissions(side, service) for side in (before, after)]
    if None not in admitted and admitted[0] != admitted[1]:
        yield owners, set(), f"who may call {service}"
    inbound = [(sameness.inbound(side.mesh, service), side.mesh.inbound_reading(service)) for side in (before, after)]
    if inbound[0] != inbound[1] and None not in (inbound[0][0], inbound[1][0]):
        yield owners, set(), f"the sidecar of {service}"
    used = [{name for _, rule, _ in diffing.forwarding(side) for name in rule.live} for side in (before, after)]
    for name in sorted(used[0] & used[1]):
        if name.split("@")[0] == service and diffing.address(before.mesh, name) != diffing.address(after.mesh, name):
            yield owners, set(), f"the address of {name}"


def _kept(old, new, was, now):
    receivers = old.of_receivers(was), new.of_receivers(now)
    return receivers[0] | receivers[1] if all(receivers) else set()


def is_of(team, owners, receivers):
    """Whether a team may change it without asking."""
    return owners == {team} or receivers == {team}


def rounds(bench, number, rng, old, new):
    """Gives a pair owners and asks for each team."""
    made = lists(rng, old)
    place = bench.place(f"owned-{number}")
    for name, spec in (("old", old), ("new", new)):
        emit.write(owned(spec, made), place / name)
    sides = [diffing.Side(Mesh.read(place / name), bench.space) for name in ("old", "new")]
    owners = [Owners(side, made) for side in sides]
    everything = None
    for team in TEAMS:
        told, run = bench.weft.diff(place / "old", place / "new", "--by", team)
        if told is None or not told["complete"]:
            if told is None and not any(code in run.stdout + run.stderr for code in REFUSED):
                bench.note([Disagreement("diff-by-refused", (run.stdout + run.stderr)[-500:])], _specs(place), number)
            return
        everything = everything if everything is not None else list(changed(*owners))
        bench.report.count("diffs by a team")
        bench.note(list(compare(team, everything, told)), _specs(place), number)


def _specs(place):
    return {"old": place / "old", "new": place / "new"}


def compare(team, everything, told):
    """Where the verdict about a team is another than that of the page."""
    others = [(owners, shown) for owners, receivers, shown in everything if not is_of(team, owners, receivers)]
    # Requests that repeat a header are not in the space.
    repeating = {one["id"] for one in told["statements"] if "repeat" in one["title"]}
    foreign = [one for one in told.get("foreign") or [] if one["statement"] not in repeating]
    if others and not foreign:
        yield Disagreement("diff-by-misses", f"{team} may change {others[0][1]} of {sorted(others[0][0])}, says the diff")
    if foreign and not others:
        yield Disagreement("diff-by-foreign", f"everything is a matter of {team}, and {foreign[0]} is foreign")
    missing = {owner for owners, _ in others for owner in owners - {team}}
    asked = {owner for one in foreign for owner in one["teams"]}
    if others and foreign and missing != asked:
        yield Disagreement("diff-by-teams", f"an edit by {team} has to ask {sorted(missing)}, said: {sorted(asked)}: {others[:3]}")
