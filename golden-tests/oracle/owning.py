"""`weft diff --by TEAM`: whose requests an edit treats differently, by `docs/ownership.md`, and so who has to be asked.

Each pair gets teams: lists of hosts, services and files, and routes with a team; some edits move those, or other things that govern.
Whatever changes has owners on both sides; an edit by a team is foreign if and only if something changes that is not that team's
alone. What governs is nobody's but the platform's.
"""

from . import counting, diffing, emit, generate, governing, secured, stand, tables
from .owners import PLATFORM, TEAMS, Owners, lists, owned
from .report import Disagreement
from .spec import Mesh

REFUSED = {"wrong-owner", "unclear-owner", "foreign-suppression"}


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
            if one and other and diffing.reading(one) != diffing.reading(other):
                yield {PLATFORM}, set(), f"listener {other.name} for {host}"
            if secured.is_lost_or_won(before.mesh, after.mesh, node, ports, host):
                yield {PLATFORM}, set(), f"the certificate that {host} is shown"
        if _shows_another(before.mesh, after.mesh, node, ports):
            yield {PLATFORM}, set(), f"what clients without a name are shown at {node}:{ports}"
    for one in before.mesh.listeners:
        for other in after.mesh.listeners:
            if (one.node, one.name) == (other.node, other.name) and _listens(one) != _listens(other):
                yield {PLATFORM}, set(), f"listener {other.name}"
    for mesh, other in ((before.mesh, after.mesh), (after.mesh, before.mesh)):
        known = {(one.node, one.name) for one in other.listeners if stand.is_open(other, one)}
        for one in mesh.listeners:
            if stand.is_open(mesh, one) and (one.node, one.name) not in known:
                yield {PLATFORM}, set(), f"listener {one.name}, which is not there on one side"
    for node in sorted(set(before.mesh.gateways) & set(after.mesh.gateways)):
        for names, was, now in counting.differing(before.mesh, after.mesh, node):
            owners = {side.of_route(rule.split("/")[0]) for side, rules in ((old, was), (new, now)) for rule in rules}
            yield owners, set(), f"how many requests to {names} run at one time"
    for service in sorted(set(before.mesh.services) & set(after.mesh.services)):
        yield from _at_service(old, new, service)


def _shows_another(old, new, node, ports):
    """Whether clients that name no host meet something else at a listener of a port."""
    before = {one.name: one for one in old.listeners if (one.node, one.port) == (node, ports[0])}
    after = {one.name: one for one in new.listeners if (one.node, one.port) == (node, ports[1])}
    both = [(before[name], after[name]) for name in set(before) & set(after)]
    return any(was.protocol == now.protocol == "https" and secured.met(old, was) != secured.met(new, now) for was, now in both)


def _ports(before, after):
    """Each node with its ports before and after; one that moves takes its requests along."""
    places = diffing.places(before, after)
    for node in sorted({node for node, _ in places}):
        moved = diffing.moves(before, after, node)
        yield from ((node, *pair) for pair in moved)
        yield from ((node, port, port) for one, port in places if one == node and all(port not in pair for pair in moved))


def _listens(listener):
    """Where it listens, and what it does with every request; which hosts it gets is seen by their requests."""
    return listener.port, diffing.reading(listener)


def _at_service(old, new, service):
    before, after = old.side, new.side
    owners = {old.of_service(service), new.of_service(service)}
    for callee in sorted(set(before.mesh.calls(service)) | set(after.mesh.calls(service))):
        found = diffing.changes(before, after, before.calls(service, callee), after.calls(service, callee))
        for was, now, point, _, _ in found:
            yield owners, _kept(old, new, was, now), f"{service} calls {callee} {point}"
    admitted = [side.admissions(service) for side in (before, after)]
    if None not in admitted and admitted[0] != admitted[1]:
        yield owners, set(), f"who may call {service}"
    inbound = [(diffing.inbound(side.mesh, service), side.mesh.inbound_reading(service)) for side in (before, after)]
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
    old = governing.said(rng, old)
    new, later = governing.edited(rng, old, new, made)
    unnamed = {route for route in old["routes"] if rng.random() < 0.25}
    written = [owned(old, made, unnamed), owned(new, later, unnamed)]
    place = bench.place(f"owned-{number}")
    for name, spec in zip(("old", "new"), written):
        emit.write(spec, place / name)
    sides = [diffing.Side(Mesh.read(place / name), bench.space) for name in ("old", "new")]
    owners = [Owners(side, one) for side, one in zip(sides, (made, later))]
    rules = governing.changed(*written, *owners)
    everything = None
    for team in TEAMS:
        told, run = bench.weft.diff(place / "old", place / "new", "--by", team)
        if told is None or not told["complete"]:
            if told is None and not any(code in run.stdout + run.stderr for code in REFUSED):
                bench.note([Disagreement("diff-by-refused", (run.stdout + run.stderr)[-500:])], _specs(place), number)
            return
        if everything is None:
            everything = [*changed(*owners), *(({PLATFORM}, set(), what) for what in rules)]
            bench.note(list(_governs(rules, told)), _specs(place), number)
        bench.report.count("diffs by a team")
        bench.note(list(compare(team, everything, told)), _specs(place), number)
        bench.note(list(_approved(bench, rng, place, team, told)), _specs(place), number)


def _specs(place):
    return {"old": place / "old", "new": place / "new"}


def _governs(rules, told):
    """Each thing that governs and changes is a statement of its own, and nothing else is one."""
    titles = [one["title"] for one in told["statements"] if one["risk"] == "G1"]
    if len(titles) != len(rules):
        yield Disagreement("diff-governs", f"what governs changes in {rules}, said: {titles}")


def _approved(bench, rng, place, team, told):
    """Requests of others are accepted with the approval of all their owners, and only so."""
    asked = sorted({owner for one in told.get("foreign") or [] for owner in one["teams"]})
    if not asked or rng.random() < 0.5:
        return
    given = asked if rng.random() < 0.5 else [owner for owner in asked if rng.random() < 0.5]
    words = [word for owner in given for word in ("--approved-by", owner)]
    _, run = bench.weft.diff(place / "old", place / "new", "--by", team, "--max-risk", "S1", *words)
    is_refused = run.returncode == 3
    if is_refused != (given != asked):
        yield Disagreement("diff-by-approved", f"an edit by {team} asks {asked}, approved by {given}: exit code {run.returncode}")


def compare(team, everything, told):
    """Where the verdict about a team is another than that of the page."""
    others = [(owners, shown) for owners, receivers, shown in everything if not is_of(team, owners, receivers)]
    # Requests that repeat a header are not in the space.
    left_out = {one["id"] for one in told["statements"] if "repeat" in one["title"]}
    foreign = [one for one in told.get("foreign") or [] if one["statement"] not in left_out]
    # A listener that no request arrives at is its gateway's all the same.
    listeners = {one["id"] for one in told["statements"] if one["title"].startswith("listener ") and "not there" in one["title"]}
    if others and not foreign:
        yield Disagreement("diff-by-misses", f"{team} may change {others[0][1]} of {sorted(others[0][0])}, says the diff")
    if any(one["statement"] not in listeners for one in foreign) and not others:
        yield Disagreement("diff-by-foreign", f"everything is a matter of {team}, and {foreign[0]} is foreign")
    missing = {owner for owners, _ in others for owner in owners - {team}}
    asked = {owner for one in foreign for owner in one["teams"]}
    if others and foreign and missing != asked:
        yield Disagreement("diff-by-teams", f"an edit by {team} has to ask {sorted(missing)}, said: {sorted(asked)}: {others[:3]}")
