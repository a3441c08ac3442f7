"""`weft diff` of a pair, held against what changes for each request of the space.

A request that changes needs a statement that covers it; a statement needs requests that change; what a statement shows as
treated alike must be; shares that move are counted.
"""

import re

from . import callers, counting, hosts, meaning, secured, settings, tables
from .report import Disagreement


def address(mesh, name):
    """What stands behind a backend: its addresses, how the hop is protected, what it speaks."""
    service, _, version = name.partition("@")
    written = mesh.services[service]
    place = written["versions"][version] if version else written
    # Two proxies keep theirs for a minute.
    keep = None if mesh.has_sidecar(service) else kept(mesh, service)
    hop = "mtls" if mesh.mode(service) == "strict" else mesh.mode(service)
    return (
        repr(place.get("endpoints")), hop, written["protocol"], repr(written.get("tls")), keep, written.get("host"),
    )


def kept(mesh, service):
    """How long a connection to the process of a service is kept."""
    return mesh.services[service].get("keepAlive", mesh.defaults.get("keepAlive", "60s"))


def reading(listener):
    """What a listener does with every request, whatever its rules."""
    return (
        listener.protocol, listener.address, listener.slashes, listener.refuses_dots, listener.keeps_escaped,
        listener.certificate, listener.underscores, listener.trusted, listener.traces,
        listener.longest_target, listener.longest_head, listener.most_fields,
    )


def inbound(mesh, service):
    """What the sidecar of a service does with what it admits: the service's own limits hold there once more, before its process.

    Whatever a caller or a rule says is between it and its own proxy; and nothing is tried again so near to the process.
    """
    written = mesh.services[service]
    if "app" not in written:
        return None
    limits = settings.timeouts({}, [written], mesh.defaults)
    return written["app"], written["protocol"], tuple(limits.values()), settings.in_flight({}, [written]), kept(mesh, service)


class Side:
    """One side of a pair, with its tables ready."""

    def __init__(self, mesh, space):
        self.mesh = mesh
        self.space = space
        self._tables = {}
        self._decisions = {}
        self._admissions = {}

    def admissions(self, service):
        """Who may do what at a service: identity, method, path."""
        if service not in self._admissions:
            self._admissions[service] = admissions(self, service)
        return self._admissions[service]

    def _table(self, key, rules):
        if key not in self._tables:
            self._tables[key] = tables.Table(rules, self.mesh, self.space)
        return self._tables[key]

    def _decided(self, key, rules):
        if key not in self._decisions:
            made = self._table(key, rules).decisions()
            self._decisions[key] = [(None if at is None else rules[at], mask) for at, mask in made]
        return self._decisions[key]

    def _rules(self, node, port, host):
        """The listener of a host and the rules for it, with a key; for a service, its calls to the host."""
        if node.startswith("service/"):
            service = node.split("/")[1]
            table = self.mesh.calls(service) if service in self.mesh.services else {}
            return None, (node, host), table.get(host)
        listener = self.mesh.choose(node, port, host)
        pattern = hosts.best(listener.table, host) if listener else None
        rules = None if pattern is None else listener.table[pattern]
        return listener, (node, listener and listener.name, pattern), rules

    def at(self, node, port, host):
        """The listener of a host, and the decisions there."""
        listener, key, rules = self._rules(node, port, host)
        if rules is None:
            return listener, [(None, self.space.everything)]
        return listener, self._decided(key, rules)

    def calls(self, service, callee):
        """The decisions of a sidecar about calls to a service."""
        return self.at(f"service/{service}", None, callee)[1]

    def deciding(self, node, port, host, point):
        """The names of the rules that decide about a request: of an open order between rules that do the same, all of them."""
        _, key, rules = self._rules(node, port, host)
        if rules is None:
            return set()
        path, *condition = point
        bit = self.space.index(self.space.paths.index(path), self.space.conditions.index(tuple(condition)))
        return {rule.id for rule, mask in zip(rules, self._table(key, rules).wins) if mask & bit}


def changes(old, new, before, after):
    """Rules before and after, with a request that changes and how much of the space does."""
    for one, first in before:
        for other, second in after:
            both = first & second
            if not both or (one is None and other is None):
                continue
            for path, part in old.space.paths_in(both):
                was = one and meaning.outcome(one, path, old.mesh).without_name()
                now = other and meaning.outcome(other, path, new.mesh).without_name()
                if was != now:
                    at = (part & -part).bit_length() - 1
                    yield one, other, (path, *old.space.conditions[at]), was, now
                    break


def places(old, new):
    """Where gateways listen on either side."""
    return sorted({(one.node, one.port) for side in (old, new) for one in side.mesh.listeners})


def expected(old, new):
    """All that changes: node, port, host, rules, a request, what becomes of it."""
    names = tables.known_hosts(old.mesh, new.mesh)
    for node, port in places(old, new):
        for host in names:
            for found in changes(old, new, old.at(node, port, host)[1], new.at(node, port, host)[1]):
                yield node, port, host, *found
    for service in sorted(set(old.mesh.services) & set(new.mesh.services)):
        for callee in sorted(set(old.mesh.calls(service)) | set(new.mesh.calls(service))):
            found = changes(old, new, old.calls(service, callee), new.calls(service, callee))
            for change in found:
                yield f"service/{service}", None, callee, *change


def covers(statement, node, host, ids):
    """Whether a statement says that this host's requests of these rules change."""
    for region in statement["region"]:
        if region["node"] != node:
            continue
        if (region.get("rule") or "").startswith((secured.UNROUTED, secured.NAMELESS, counting.COUNTED)):
            continue
        # What is said of a listener or a backend has a name of two words, and holds for all that it gets.
        if statement["witness"] is None or region.get("rule") is None or " " in region["rule"]:
            return True
        named = [region["host"] or "*", *region.get("also", ())]
        if whole(region["rule"]) in {whole(one) for one in ids} and any(hosts.has(pattern, host) for pattern in named):
            return True
    return False


def whole(rule):
    """The call of one of its operations, which have one outcome, so that it does not matter which of them has a request; else the rule."""
    caller, is_call, callee = rule.partition("/calls/")
    return f"{caller}{is_call}{callee.split('/')[0]}" if is_call else rule


def admissions(side, service):
    """Who may do what at a service: identity, method, path."""
    mesh, space = side.mesh, side.space
    if service not in mesh.services or not mesh.has_sidecar(service):
        return None
    nodes = sorted(callers.known(mesh))
    found = {}
    for node in nodes:
        for method in sorted({method for method, _ in space.conditions}):
            for path in mesh.paths_at(service, space):
                found[node, method, path] = meaning.admits(mesh, service, node, method, path) is None
    return found


def compare(old, new, report):
    """All disagreements about a pair, of a report without unknowns."""
    statements = report["statements"]
    for node, port, host, one, other, point, was, now in expected(old, new):
        ids = old.deciding(node, port, host, point) | new.deciding(node, port, host, point)
        if not any(covers(statement, node, host, ids) for statement in statements):
            listeners = [side.mesh.choose(node, port, host) for side in (old, new)]
            shown = f"{node} {host} {point}: {one and one.id} {_brief(was)} -> {other and other.id} {_brief(now)}"
            exact = next((name for side in listeners if side for name in side.table if name == host), None)
            kind = "diff-misses-host" if exact is None and _mentions(statements, node, one, other) else "diff-misses"
            if any(rule is not None and rule.has_idle_backend for rule in (one, other)):
                kind = "idle-backend"
            yield Disagreement(kind, f"no statement covers {shown}")
    for service in sorted(set(old.mesh.services) & set(new.mesh.services)):
        yield from _access(old, new, service, statements)
        yield from _inbound(old, new, service, statements)
        yield from _addresses(old, new, service, statements)
    yield from _listeners(old, new, statements)
    yield from secured.compare(old.mesh, new.mesh, statements)
    yield from counting.compare(old.mesh, new.mesh, statements)
    for statement in statements:
        yield from _statement(old, new, statement)


def _brief(made):
    if made is None:
        return "404"
    fields = {name: value for name, value in made._asdict().items() if value}
    return str(fields)


def _mentions(statements, node, one, other):
    ids = {rule.id for rule in (one, other) if rule is not None}
    return any(region["node"] == node and region.get("rule") in ids for each in statements for region in each["region"])


def _access(old, new, service, statements):
    before, after = old.admissions(service), new.admissions(service)
    if before is None or after is None:
        return
    changed = [key for key in before if before[key] != after.get(key, before[key])]
    said = {
        new.mesh.caller(identity)
        for each in statements
        if any(region["node"] == f"service/{service}" for region in each["region"])
        for identity in each["blast"]["identities"]
    }
    for node in sorted({node for node, _, _ in changed}):
        if not callers.named(said, node):
            shown = next(key for key in changed if key[0] == node)
            text = f"{service}: {shown} becomes {after[shown]}, and no statement names {node}: {sorted(said)}"
            yield Disagreement("diff-misses-access", text)


def _inbound(old, new, service, statements):
    """What a sidecar does with what it admits, if it admits anything."""
    sides = [inbound(side.mesh, service) for side in (old, new)]
    is_used = all(any((side.admissions(service) or {}).values()) for side in (old, new))
    if sides[0] != sides[1] and None not in sides and is_used:
        if not any(region["node"] == f"service/{service}" for each in statements for region in each["region"]):
            yield Disagreement("diff-misses-inbound", f"the sidecar of {service}: {sides[0]} -> {sides[1]}, and no statement says so")


def _listeners(old, new, statements):
    """What a listener does with every request, if rules of it get any on both sides."""
    names = tables.known_hosts(old.mesh, new.mesh)
    for one in old.mesh.listeners:
        for other in new.mesh.listeners:
            if (one.node, one.name) != (other.node, other.name) or reading(one) == reading(other):
                continue
            is_used = any(
                all(side.mesh.served(each, host) and hosts.best(each.table, host) for side, each in ((old, one), (new, other)))
                for host in names
            )
            if is_used and not any(region["node"] == one.node for each in statements for region in each["region"]):
                yield Disagreement("diff-misses-listener", f"{one.node} {one.name}: {reading(one)} -> {reading(other)}, and no statement says so")


def _addresses(old, new, service, statements):
    for node, rule, _ in forwarding(new):
        for name in rule.live:
            known = name.partition("@")[2] in ("", *(old.mesh.services[service].get("versions") or {}))
            if name.split("@")[0] != service or not known:
                continue
            if address(old.mesh, name) != address(new.mesh, name) and _used(old, node, name):
                if not any(region["node"] == node for each in statements for region in each["region"]):
                    yield Disagreement("diff-misses-backend", f"{node}: the address of {name} changes, and no statement says so")


def _used(side, node, name):
    return any(one == node and name in rule.live for one, rule, _ in forwarding(side))


def forwarding(side):
    """Every rule of a side that forwards."""
    from .repair import forwarding

    return forwarding(side.mesh, side.space)


def _statement(old, new, statement):
    """What a statement shows changes, and what it shows beside is as before."""
    region = statement["region"][0] if statement["region"] else None
    if region is None or not region["node"].startswith("gateway/") or region.get("rule") is None:
        return
    if region["rule"].startswith(counting.COUNTED):
        return
    for part, differs in (("witness", True), ("contrast", False)):
        shown = statement[part]
        if not shown or not shown.get("request"):
            continue
        answers = _answers(old, new, region, shown, differs)
        if answers is None or not answers:
            continue
        if not any((before != after) == differs for before, after in answers):
            word = "is as before" if differs else "changes"
            kind = f"diff-{part}"
            if differs and re.search(r"\bpath /", statement["title"]):
                kind = "diff-identity-rewrite"
            if any(_is_elsewhere(side, region, shown) for side in (old, new)):
                kind = "diff-host-of-another-listener"
            named = {each["rule"] for each in statement["region"]}
            if any(rule.id in named and rule.has_idle_backend for side in (old, new) for rule in side.mesh.rules()):
                kind = "idle-backend"
            yield Disagreement(kind, f"{part} of {statement['title']} {word}: {shown['request']} {answers}")
    yield from _moved(statement)


def _is_elsewhere(side, region, shown):
    """Whether the host of a request is another listener's."""
    host = _host(shown)
    for one in side.mesh.listeners:
        if (one.node, one.name) == (region["node"], region["listener"]):
            return not side.mesh.served(one, host)
    return False


def _host(shown):
    return re.sub(r"^https?://", "", shown["request"].split(" ", 1)[1]).partition("/")[0]


def _answers(old, new, region, shown, with_addresses):
    """What a request of a diff gets before and after, at each port of its listener; None where an order is open."""
    method, target = shown["request"].split(" ", 1)
    target = re.sub(r"^https?://", "", target)
    host, _, path = target.partition("/")
    headers = tuple(tuple(part.strip() for part in line.split(":", 1)) for line in shown["headers"])
    request = meaning.Request(method, host, "/" + path, headers)
    found = []
    for ports in _ports(old, new, region["node"], region["listener"]):
        sides = zip((old, new), ports)
        pair = [_answer(side, region["node"], port, request, with_addresses) for side, port in sides]
        if None in pair:
            return None
        found.append(pair)
    return found


def _ports(old, new, node, listener):
    """The ports at which a listener is, before and after. One that moves alone takes its requests along."""
    of = [{one.port for one in side.mesh.listeners if (one.node, one.name) == (node, listener)} for side in (old, new)]
    moved = [pair for pair in moves(old, new, node) if pair[0] in of[0] and pair[1] in of[1]]
    return moved or [(port, port) for port in sorted(of[0] | of[1])]


def moves(old, new, node):
    """Ports of a node that are gone, each with a new one where a listener of it is now."""
    known = [{}, {}]
    for side, ports in zip((old, new), known):
        for one in side.mesh.listeners:
            if one.node == node:
                ports.setdefault(one.port, set()).add(one.name)
    found = []
    for was in sorted(set(known[0]) - set(known[1])):
        fresh = sorted(set(known[1]) - set(known[0]) - {now for _, now in found})
        now = next((now for now in fresh if known[0][was] & known[1][now]), None)
        if now is not None:
            found.append((was, now))
    return found


def _answer(side, node, port, request, with_addresses):
    listener, made = meaning.at_gateway(side.mesh, node, port, request, side.space)
    if made.open or made.reason == "ambiguous":
        return None
    how = with_addresses and listener and (*reading(listener), secured.met(side.mesh, listener))
    if made.status == 404 and made.rule is None:
        return meaning.refusal(404, "no-route"), None, ()
    behind = tuple(address(side.mesh, name) for name, _ in made.backends) if with_addresses else ()
    return made.without_name(), how, behind


def _moved(statement):
    """The share that a statement says moves, against the shares before and after."""
    moved = statement["blast"].get("moved")
    shares = [_shares(statement[side]["text"]) for side in ("before", "after")]
    if moved is None or None in shares:
        return
    before, after = shares
    truth = sum(max(0, after.get(name, 0) - before.get(name, 0)) for name in after)
    if abs(truth - moved) > 1:
        yield Disagreement("diff-shares", f"{statement['title']} moves {truth}, said {moved}")


def _shares(text):
    parts = re.findall(r"([0-9.]+)% ([a-z0-9@-]+)", text or "")
    return {name: round(float(part) * 10_000) for part, name in parts} if parts else None
