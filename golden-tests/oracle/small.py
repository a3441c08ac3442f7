"""Small alphabets from end to end: every pair and triple of a few rules, each a host of its own.

A spec has many hosts, so that one call of `weft check` judges many tables.
"""

from itertools import combinations, product

from . import emit, findings
from .space import Space
from .spec import Mesh

PATHS = ["/**", "/a", "/a/**", "/{x}", "/a/{x}", {"regex": "/a/?"}]
METHODS = [None, ["GET"]]
HEADERS = [None, "1", {"present": True}, {"absent": True}]
PRIORITIES = [None, 1]
OUTCOMES = [{"respond": {"status": 404}}, {"respond": {"status": 403}}]
HOSTS_OF_A_SPEC = 150


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
