"""What clients of TLS see before their request is read: which certificate, or none, so that the handshake fails.

`docs/assertions.md` says that a diff compares the certificates of a listener, the one for clients that name no host, and which hosts
without a route are shown one. Over plaintext nobody is shown anything, and all hosts without a route are answered with 404.
"""

import re

from . import hosts, meaning, tables
from .report import Disagreement

# How statements about certificates name what they are about.
NAMELESS, OWN, LISTENER, UNROUTED = "default certificate of listener ", "certificate of listener ", "listener ", "answer to "


def is_secure(mesh, node, port):
    """Whether clients of a port begin with TLS."""
    return any(one.protocol == "https" for one in mesh.listeners if (one.node, one.port) == (node, port))


def nameless(mesh, node, port):
    """The certificate that clients are shown which name no host; None if their handshake fails, or over plaintext."""
    return meaning.certificate(mesh, node, port, None) if is_secure(mesh, node, port) else None


def met(mesh, listener):
    """What clients that name no host meet at a listener: the certificate of its port, and whether their requests are answered."""
    if listener.protocol != "https":
        return None
    shown = nameless(mesh, listener.node, listener.port)
    return shown, shown is not None and meaning.hears(mesh, listener, None)


def seen(mesh, node, port, host):
    """What clients see at a port that send requests for a host: by its name, and without one; None where nobody serves it or without TLS."""
    listener = mesh.choose(node, port, host)
    if listener is None or listener.protocol != "https":
        return None
    return listener.certificate, met(mesh, listener)


def is_routed(mesh, node, port, host):
    """Whether a port has a route for a host."""
    listener = mesh.choose(node, port, host)
    return listener is not None and hosts.best(listener.table, host) is not None


def is_lost_or_won(old, new, node, ports, host):
    """Whether a host without a route is shown a certificate on one side alone, of a port that both sides have."""
    sides = list(zip((old, new), ports))
    if any((node, port) not in _ports(mesh) or is_routed(mesh, node, port, host) for mesh, port in sides):
        return False
    heard = [mesh.choose(node, port, host) for mesh, port in sides]
    # Where neither listener is there, nobody is told apart; where both are, their certificates are.
    alone = [one for one in heard if one is not None]
    return len(alone) == 1 and alone[0].protocol == "https"


def _ports(mesh):
    return {(one.node, one.port) for one in mesh.listeners}


def compare(old, new, statements):
    """All disagreements about certificates of ports that both sides have, and about statements that name them."""
    said = [region["rule"] for each in statements for region in each["region"] if region.get("rule")]
    names = tables.known_hosts(old, new)
    for node, port in sorted(_ports(old) & _ports(new)):
        for was, now in kept(old, new, node, port):
            both = [met(mesh, one) for mesh, one in ((old, was), (new, now))]
            if both[0] != both[1] and not any(_is_of(rule, f"{node}/{now.name}") for rule in said):
                yield Disagreement("diff-misses-nameless", f"{node}/{now.name}: clients without a name meet {both[0]} -> {both[1]}, and no statement says so")
        apart = [host for host in names if is_lost_or_won(old, new, node, (port, port), host)]
        is_told = any(rule.startswith(UNROUTED) and rule.endswith(f" at {node}:{port}") for rule in said)
        if bool(apart) != is_told:
            kind = "diff-misses-unrouted" if apart else "diff-invents-unrouted"
            yield Disagreement(kind, f"{node}:{port}: hosts without a route that TLS serves on one side alone: {apart}; said: {said}")
    for rule in said:
        if rule.startswith(NAMELESS):
            yield from _nameless(old, new, rule)


def kept(old, new, node, port):
    """Listeners of TLS that a port has on both sides, by name."""
    sides = [{one.name: one for one in mesh.listeners if (one.node, one.port) == (node, port)} for mesh in (old, new)]
    for name in sorted(set(sides[0]) & set(sides[1])):
        was, now = sides[0][name], sides[1][name]
        if was.protocol == now.protocol == "https":
            yield was, now


def _is_of(rule, listener):
    """Whether a statement is about this listener or one of its certificates."""
    return rule.startswith((NAMELESS, OWN, LISTENER)) and listener in re.split(r"[ ,]+", rule)


def _nameless(old, new, rule):
    """That what is said to be another certificate is one."""
    named = re.findall(r"gateway/[a-z0-9]+/[a-z0-9]+", rule)
    is_, was = named[0], named[-1]
    shown = []
    for mesh, name in ((old, was), (new, is_)):
        node, _, own = name.rpartition("/")
        shown.append(met(mesh, mesh.listener(f"{node.split('/')[1]}/{own}")))
    if shown[0] == shown[1]:
        yield Disagreement("diff-invents-nameless", f"{rule}: {shown[0]} on both sides")
