"""How many requests of a gateway run at one time: `docs/language.md` says that `maxInFlight` counts those of one rule.

A rule that is taken apart has twice as many places, though each request is treated as before; and of several rules with one limit each counts
what it takes, so that requests which shared places may have places of their own.
"""
import json

from . import settings
from .report import Disagreement

# How statements about this begin.
COUNTED = "requests of gateway/"


def counted(mesh, node):
    """By backends and limit: the rules that count so, each with all that it takes."""
    found = {}
    for listener in mesh.listeners:
        for host, rules in listener.table.items() if listener.node == node else ():
            for rule in rules:
                most = settings.in_flight(rule.written, rule.called) if rule.live else None
                if most is not None:
                    alike = found.setdefault((tuple(sorted(rule.live)), most), {})
                    alike.setdefault(rule.id, set()).add((listener.name, host, taken(rule)))
    return found


def taken(rule):
    """The conditions of a rule."""
    words = (repr(rule.pattern), sorted(rule.methods), rule.headers, rule.query)
    return json.dumps(words, sort_keys=True)


def differing(old, new, node):
    """Backends to which another number of rules leads, each with the same limit, with the rules of both sides; or as many that take other requests."""
    before, after = counted(old, node), counted(new, node)
    both = [(alike[0], before[alike], after[alike]) for alike in sorted(before) if alike in after]
    return [one for one in both if len(one[1]) != len(one[2]) or 1 < len(one[1]) and _shares(one[1]) != _shares(one[2])]


def possible(old, new, node):
    """Backends of which it may be told: which of several rules is asked first matters too, and is not looked at here."""
    before, after = counted(old, node), counted(new, node)
    return [alike[0] for alike in before if alike in after and 1 < len(before[alike])]


def _shares(rules):
    """Which requests share places, whatever the rules are called."""
    return sorted(sorted(all) for all in rules.values())


def compare(old, new, statements):
    """All disagreements about gateways that both sides have."""
    said = sorted(region["rule"] for each in statements for region in each["region"] if (region.get("rule") or "").startswith(COUNTED))
    def told(names, node):
        return f"requests of {node} to {', '.join(names)} at one time"

    nodes = sorted(set(old.gateways) & set(new.gateways))
    true = [told(names, node) for node in nodes for names, _, _ in differing(old, new, node)]
    perhaps = {told(names, node) for node in nodes for names in possible(old, new, node)}
    if sorted(one for one in said if one in true or one not in perhaps) != sorted(true):
        yield Disagreement("diff-in-flight", f"said: {said}, true: {sorted(true)}")
