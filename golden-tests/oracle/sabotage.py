"""Turns some meanings of the oracle round, to show that a run with wrong meanings fails."""

from . import hosts, meaning, settings


def apply():
    """Wildcards beat exact hosts, wide paths beat narrow ones, `deny` counts for nothing, two tries are three."""
    rank, narrower, admits, retry = hosts.rank, meaning.narrower, meaning.admits, settings.retry

    def upside_down(pattern):
        first, second = rank(pattern)
        return (-first, second)

    def wider(one, other, space):
        return narrower(other, one, space)

    def without_deny(mesh, service, identity, method, path):
        kept = mesh.services[service].pop("deny", None)
        try:
            return admits(mesh, service, identity, method, path)
        finally:
            if kept is not None:
                mesh.services[service]["deny"] = kept

    def more_tries(own, services, defaults):
        made = retry(own, services, defaults)
        return {**made, "attempts": made["attempts"] + 1}

    hosts.rank = upside_down
    meaning.narrower = wider
    meaning.admits = without_deny
    settings.retry = more_tries
