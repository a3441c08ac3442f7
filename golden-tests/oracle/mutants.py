"""`weft test --mutate`: a rule that is gone is noticed if some test of the spec would fail without it.

The oracle takes the rule away itself and asks its own meanings the requests of the tests. The test that is offered for
a change that none notices has to hold for the spec as it is.
"""

import copy
import re

from . import asking, emit, meaning, repair, tables, text
from .report import Disagreement
from .spec import Mesh, hosts_of, listener_of

# Refusals that come before any rule; a test of one looks at no rule.
BEFORE_RULES = ("unknown-host", "head-too-large", "too-many-fields", "target-too-long", "underscore")
GONE = re.compile(r"^`([^`/]+/[^`/]+)` is gone$")


def compare(bench, spec, asked, place):
    """All disagreements about one spec with a few tests."""
    spec = {**spec, "tests": [test for _, _, test in asked]}
    emit.write(spec, place)
    told, _ = bench.weft.test(place, "--mutate", "--all")
    if told is None or any(not one["passed"] for one in told["tests"]):
        return
    bench.report.count("specs mutated")
    mesh = Mesh([spec])
    survivors = told["mutants"]["survivors"]
    if told["mutants"].get("leftOut"):
        return
    unnoticed = {found.group(1) for one in survivors if (found := GONE.match(one["change"]))}
    for listener, pattern, at, rule in _removable(mesh, bench.space):
        truth = _is_noticed(mesh, spec, rule, asked, bench.space)
        if truth is None:
            continue
        if truth and rule.id in unnoticed:
            yield Disagreement("mutants", f"a test fails without `{rule.id}` ({truth}), and it is said to be unnoticed")
        if not truth and rule.id not in unnoticed:
            yield Disagreement("mutants", f"no test fails without `{rule.id}`, and it is said to be noticed")
    for one in survivors:
        yield from _offered(mesh, bench.space, one)


def _removable(mesh, space):
    """Rules without which something changes and nothing becomes ambiguous."""
    names = tables.known_hosts(mesh)
    for listener in mesh.listeners:
        for pattern, rules in listener.table.items():
            if not tables.served(listener, pattern, mesh, names):
                continue
            table = tables.Table(rules, mesh, space)
            for at, rule in enumerate(rules):
                rest = table.without(at)
                if any(rest.ambiguous()) or rule.has_idle_backend:
                    continue
                if _changes(table, rest, at):
                    yield listener, pattern, at, rule


def _changes(table, rest, at):
    for other, mask in rest.decisions():
        for path, _ in table.space.paths_in(mask & table.wins[at]):
            if other is None or not tables.alike(table.rules[at], rest.rules[other], path, table.mesh):
                return True
    return False


def _is_noticed(mesh, spec, rule, asked, space):
    """The name of a test that would fail without the rule; False if none, None if it cannot be told."""
    route_name, own = rule.id.split("/")
    changed = copy.deepcopy(spec)
    route = changed["routes"][route_name]
    for index, written in enumerate(route["rules"]):
        written.setdefault("name", str(index))
    route["rules"] = [written for written in route["rules"] if str(written["name"]) != own]
    if not route["rules"] and not any(
        listener_of(other) == listener_of(route) and set(hosts_of(route)) <= set(hosts_of(other)) and name != route_name
        for name, other in spec["routes"].items()
    ):
        return None
    after = Mesh([changed])
    for query, before, test in asked:
        if query[2] is not None:
            continue
        _, made = asking.answer(after, space, *query)
        if made.reason == "ambiguous" or before.open or made.open:
            return None
        one, other = _expectations(mesh, query, before), _expectations(after, query, made)
        if {key: other.get(key) for key in test["expect"]} != {key: one.get(key) for key in test["expect"]}:
            return test["name"]
    return False


def _expectations(mesh, query, made):
    """All that a test can expect of an outcome."""
    found = {"route": made.rule, "status": made.status}
    if made.backends:
        test = asking.as_test(mesh, "x", *query, made)
        found.update(test["expect"] if test else {})
    return found


def _offered(mesh, space, survivor):
    """The test that is offered for a change holds for the spec as it is."""
    offered = text.load(survivor["test"])
    if not isinstance(offered, list) or "request" not in offered[0]:
        return
    offered = offered[0]
    method, url = offered["request"].split(" ", 1)
    found = re.fullmatch(r"(https?)://([^/:?]+)(?::([0-9]+))?(/[^ ]*)?", url)
    if not found or "route" not in offered.get("expect", {}):
        return
    headers = tuple((name, value) for name, value in (offered.get("headers") or {}).items() if isinstance(value, str))
    request = meaning.Request(method, found.group(2), found.group(4) or "/", headers)
    answers = []
    for node, port, protocol in sorted({(one.node, one.port, one.protocol) for one in mesh.listeners}):
        if protocol == found.group(1) and found.group(3) in (None, str(port)):
            _, made = meaning.at_gateway(mesh, node, port, request, space)
            answers.append(made.rule)
    if offered["expect"]["route"].split("/")[0] not in {rule and rule.split("/")[0] for rule in answers}:
        yield Disagreement("mutants-offer", f"{survivor['test']} does not hold: {answers}")


def rounds(bench, number, rng, chosen, generated):
    """One spec with a few tests."""
    spec = repair.repaired(generated, bench.space)
    if spec is None:
        return
    mesh = Mesh([spec])
    asked = []
    for at, query in enumerate(asking.sample(rng, mesh, bench.space, 12)):
        _, made = asking.answer(mesh, bench.space, *query)
        test = asking.as_test(mesh, f"t{at}", *query, made)
        if test and query[3].method != "TRACE" and made.reason not in BEFORE_RULES:
            asked.append((query, made, test))
    place = bench.place(f"mutants-{number}")
    bench.note(list(compare(bench, spec, asked, place)), {"spec": place}, number)
