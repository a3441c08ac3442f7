"""Turns some meanings of the oracle round, to show that a run with wrong meanings fails."""

from . import callers, counting, governing, hosts, meaning, owning, secured, settings


def _hosts():
    """Wildcards beat exact hosts."""
    rank = hosts.rank

    def upside_down(pattern):
        first, second = rank(pattern)
        return (-first, second)

    hosts.rank = upside_down


def _paths():
    """Wide paths beat narrow ones."""
    narrower = meaning.narrower

    def wider(one, other, space):
        return narrower(other, one, space)

    meaning.narrower = wider


def _deny():
    """`deny` counts for nothing."""
    admits = meaning.admits

    def without_deny(mesh, service, identity, method, path):
        kept = mesh.services[service].pop("deny", None)
        try:
            return admits(mesh, service, identity, method, path)
        finally:
            if kept is not None:
                mesh.services[service]["deny"] = kept

    meaning.admits = without_deny


def _retry():
    """Two tries are three."""
    retry = settings.retry

    def more_tries(own, services, defaults):
        made = retry(own, services, defaults)
        return {**made, "attempts": made["attempts"] + 1}

    settings.retry = more_tries


def _kinds():
    """`service/*`, `gateway/*` and `mesh` are those of the spec alone."""
    has_kind = callers.has_kind

    def of_spec(entry, node):
        return node not in callers.STRANGERS and has_kind(entry, node)

    callers.has_kind = of_spec


def _owners():
    """One of several owners is enough."""

    def one_of(team, owners, receivers):
        return team in owners | receivers

    owning.is_of = one_of


def _governs():
    """What teams, guardrails and assertions say governs nothing."""

    def nothing(*_sides):
        return []

    governing.changed = nothing


def _nameless():
    """Clients that name no host are shown the certificate of the first listener."""
    certificate = meaning.certificate

    def of_first(mesh, node, port, sni):
        first = next(one for one in mesh.listeners if (one.node, one.port) == (node, port))
        return certificate(mesh, node, port, sni) if sni else first.certificate

    meaning.certificate = of_first


def _unrouted():
    """All hosts without a route are answered with 404, also where TLS knows none of them."""

    def never(*_sides):
        return False

    secured.is_lost_or_won = never


def _places():
    """However many rules count with a limit, they share its places."""

    def nothing(*_sides):
        return []

    counting.differing = nothing


MEANINGS = {"nameless": _nameless, "unrouted": _unrouted, "places": _places, "hosts": _hosts, "paths": _paths, "deny": _deny, "retry": _retry, "kinds": _kinds, "owners": _owners, "governs": _governs}


def apply(name):
    """One wrong meaning, or all of them."""
    for known, turn in MEANINGS.items():
        if name in ("all", known):
            turn()
