"""`same: {as: …}`: whether clients of gateways meet the same as in a snapshot, all the way to the process.

What counts is what a request meets: the listener and its reading of paths, the certificate, the rule's outcome, the address
and protection of the hop, the permissions behind it, and the limits of the sidecar there.
"""

from . import counting, diffing, generate, hosts, meaning, secured, tables
from .report import Disagreement


def difference(old, new, region):
    """A request of the region that meets something else than before, or None."""
    names = [host for host in tables.known_hosts(old.mesh, new.mesh, more=generate.HOSTS) if hosts.has(region.get("host", "*"), host)]
    if old.mesh.settings.get("snapshotHeader", False) != new.mesh.settings.get("snapshotHeader", False):
        return "snapshotHeader"
    for node, port in diffing.places(old, new):
        for host in names:
            found = _at(old, new, node, port, host)
            if found:
                return f"{node}:{port} {host}: {found}"
    return None


def _at(old, new, node, port, host):
    (first, before), (second, after) = old.at(node, port, host), new.at(node, port, host)
    routed = [any(rule is not None for rule, _ in side) for side in (before, after)]
    seen = [secured.seen(side.mesh, node, port, host) for side in (old, new)]
    if seen[0] != seen[1]:
        return f"clients see another certificate: {seen}"
    if not any(routed):
        return None
    if first and second and diffing.reading(first) != diffing.reading(second):
        return f"the listener reads otherwise: {diffing.reading(first)} {diffing.reading(second)}"
    for one, other, point, _, _ in diffing.changes(old, new, before, after):
        return f"{point}: {one and one.id} -> {other and other.id}"
    for one, mask in before:
        for other, also in after:
            both = mask & also
            if one is None or other is None or not both or not one.live:
                continue
            found = _behind(old, new, node, one, both)
            if found:
                return f"{one.id}: {found}"
    return None


def _behind(old, new, node, rule, mask):
    """What changes behind a rule that does the same."""
    for names, _, _ in counting.differing(old.mesh, new.mesh, node):
        if names[0] in rule.live:
            return f"how many requests to {names} run at one time"
    for name in rule.live:
        service = name.split("@")[0]
        if diffing.address(old.mesh, name) != diffing.address(new.mesh, name):
            return f"the address of {name}"
        if diffing.inbound(old.mesh, service) != diffing.inbound(new.mesh, service):
            return f"the limits at {service}"
        if not old.mesh.has_sidecar(service):
            continue
        for path, part in old.space.paths_in(mask):
            onward = meaning.outcome(rule, path, old.mesh).path
            methods = {method for at, (method, _) in enumerate(old.space.conditions) if part >> at & 1}
            for method in sorted(methods):
                answers = [meaning.admits(side.mesh, service, node, method, onward) is None for side in (old, new)]
                if answers[0] != answers[1]:
                    return f"{method} {onward} at {service} was admitted {answers[0]}, is {answers[1]}"
    return None


def _has_silent(old, new):
    """Whether a listener without a route is on one side alone: the compiler tells of it like of any other, and it may refuse otherwise."""
    both = ((old, new), (new, old))
    return any(
        not one.table and (one.node, one.name) not in {(each.node, each.name) for each in other.listeners}
        for mesh, other in both
        for one in mesh.listeners
    )


def compare(old, new, region, is_proved):
    """The disagreement about one `same`, if any."""
    found = difference(old, new, region)
    if is_proved and found:
        yield Disagreement("proves-false-same", f"`same` for {region} is proved, and {found} changes")
    if is_proved is False and not found and not _has_silent(old.mesh, new.mesh):
        yield Disagreement("refutes-true-same", f"`same` for {region} is refuted, and nothing changes")
