"""Small alphabets from end to end: every pair and triple of a few rules, each a host of its own.

A spec has many hosts, so that one call of `weft check` judges many tables.
"""

from itertools import combinations, product

from . import diffing, emit, findings
from .report import Disagreement
from .space import Space
from .spec import Mesh
from .tables import Table

PATHS = ["/**", "/a", "/a/**", "/{x}", "/a/{x}", {"regex": "/a/?"}]
METHODS = [None, ["GET"]]
HEADERS = [None, "1", {"present": True}, {"absent": True}]
PRIORITIES = [None, 1]
OUTCOMES = [{"respond": {"status": 404}}, {"respond": {"status": 403}}]
HOSTS_OF_A_SPEC = 30
HOSTS_OF_A_PAIR = 40


def alphabet():
    """All rules of the alphabet."""
    for path, methods, header, priority, outcome in product(PATHS, METHODS, HEADERS, PRIORITIES, OUTCOMES):
        rule = {"path": path, **outcome}
        if methods:
            rule["methods"] = methods
        if header:
            rule["headers"] = {"x-a": header}
        if priority:
            rule["priority"] = priority
        yield rule


def small_space():
    """A space for the alphabet: less than it has nothing, more than it makes no difference."""
    return Space(
        segments=("a", "z"), depth=2, methods=("GET", "PATCH"), headers={"x-a": (None, "1", "z")}, query={}
    )


def chosen(rng, number):
    """So many tables: all pairs in their order while they last, then triples by chance."""
    rules = list(alphabet())
    pairs = list(combinations(rules, 2))
    rng.shuffle(pairs)
    yield from pairs[: number // 2]
    for _ in range(number - number // 2):
        yield rng.sample(rules, 3)


def spec_of(tables):
    """A spec with a host for each table."""
    routes = {
        f"r{at}": {"on": "g/l", "host": f"h{at}.test", "rules": [dict(rule) for rule in table]}
        for at, table in enumerate(tables)
    }
    return {
        "mesh": {"name": "m", "trustDomain": "m.test"},
        "gateways": {"g": {"listeners": {"l": {"port": 20_000, "protocol": "http"}}}},
        "services": {},
        "routes": routes,
    }


def rounds(bench, number):
    """Judges so many small tables."""
    rng = bench.random("small", 0)
    space = small_space()
    tables = list(chosen(rng, number))
    for at in range(0, len(tables), HOSTS_OF_A_SPEC):
        part = tables[at : at + HOSTS_OF_A_SPEC]
        place = bench.place(f"small-{at}")
        places = emit.write(spec_of(part), place)
        told = findings.Findings(bench.weft.check(place), places)
        bench.report.count("small tables", len(part))
        bench.note(findings.compare(Mesh.read(place), told, space), {"spec": place}, at)


def _changed(rng, table, rules):
    """The table with one rule replaced, added or taken away."""
    table = [dict(rule) for rule in table]
    at = rng.randrange(len(table))
    kind = rng.choice(["replace", "replace", "add", "remove"])
    if kind == "replace":
        table[at] = dict(rng.choice(rules))
    elif kind == "add":
        table.append(dict(rng.choice(rules)))
    elif 1 < len(table):
        del table[at]
    return table


def _sound(table, space):
    """Whether the rules of a host are in order: none dead, nothing open."""
    mesh = Mesh([spec_of([table])])
    found = Table(next(iter(mesh.listeners)).table["h0.test"], mesh, space)
    return not any(found.ambiguous()) and not any(found.identical()) and not any(
        found.dead(at) is not False for at in range(len(table))
    )


def pairs(bench, number):
    """Judges diffs of small tables: each host of a spec with another rule or one more or less."""
    rng = bench.random("small-pairs", 0)
    space = small_space()
    rules = list(alphabet())
    known = []
    while len(known) < number:
        old = rng.sample(rules, rng.choice([1, 2, 2, 3]))
        new = _changed(rng, old, rules)
        if _sound(old, space) and _sound(new, space):
            known.append((old, new))
    for at in range(0, len(known), HOSTS_OF_A_PAIR):
        part = known[at : at + HOSTS_OF_A_PAIR]
        place = bench.place(f"small-pair-{at}")
        for side, name in enumerate(("old", "new")):
            emit.write(spec_of([pair[side] for pair in part]), place / name)
        told, run = bench.weft.diff(place / "old", place / "new")
        sides = [diffing.Side(Mesh.read(place / name), space) for name in ("old", "new")]
        bench.report.count("small pairs", len(part))
        specs = {"old": place / "old", "new": place / "new"}
        if told is None:
            bench.note([Disagreement("rejects-small", run.stdout[-600:] + run.stderr[-200:])], specs, at)
        elif told["complete"]:
            bench.note(diffing.compare(*sides, told), specs, at)
