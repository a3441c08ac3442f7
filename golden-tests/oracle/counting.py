"""How many requests of a gateway run at one time: `docs/language.md` says that `maxInFlight` counts those of one rule.

A rule that is taken apart has twice as many places, though each request is treated as before.
"""

from . import settings
from .report import Disagreement

# How statements about this begin.
COUNTED = "requests of gateway/"


def counted(mesh, node):
    """By backends and limit: the rules that count so."""
    found = {}
    for listener in mesh.listeners:
        for rules in listener.table.values() if listener.node == node else ():
            for rule in rules:
                most = settings.in_flight(rule.written, rule.called) if rule.live else None
                if most is not None:
                    found.setdefault((tuple(sorted(rule.live)), most), set()).add(rule.id)
    return found


def differing(old, new, node):
    """Backends to which another number of rules leads, each with the same limit, with the rules of both sides."""
    before, after = counted(old, node), counted(new, node)
    both = [(alike[0], before[alike], after[alike]) for alike in sorted(before) if alike in after]
    return [one for one in both if len(one[1]) != len(one[2])]


def compare(old, new, statements):
    """All disagreements about gateways that both sides have."""
    said = sorted(region["rule"] for each in statements for region in each["region"] if (region.get("rule") or "").startswith(COUNTED))
    true = [f"requests of {node} to {', '.join(names)} at one time" for node in sorted(set(old.gateways) & set(new.gateways)) for names, _, _ in differing(old, new, node)]
    if said != sorted(true):
        yield Disagreement("diff-in-flight", f"said: {said}, true: {sorted(true)}")
