"""A finite space of requests in which every set that the generator can write is told apart from every other.

Patterns are made of the segments `a` and `b`, values of `1` and `2`; the space has those, values beside them, and paths that are
deeper than any pattern. So a question about all requests is answered by looking at each of these: a set of
requests is a number whose bits are the requests.
"""

import copy
from functools import lru_cache
from itertools import product

from . import conditions

SEGMENTS = ("a", "b", "ab", "z")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
HEADERS = {"x-a": (None, "1", "2", "12", "1z", "z"), "x-b": (None, "1", "z")}
# With empty segments, which `{x}` does not have; for listeners that keep them alone.
SLASHED = (
    "//", "//a", "//b", "//z", "//ab", "/a//", "/b//", "/z//", "/a//a", "/a//b", "/b//a", "/b//b", "/z//b", "//a/", "//a/a", "//a/b", "//b/b",
    "/a/b//", "/a/b//b", "/a/a//a", "//a/b/a", "/a//b/a", "///", "/a/a/a//b",
)
QUERY = {"q": (None, "1", "2", "12", "1z", "z")}


def _paths(segments, depth):
    found = ["/"]
    for length in range(1, depth + 1):
        for parts in product(segments, repeat=length):
            text = "/" + "/".join(parts)
            found += [text, text + "/"]
    short = [segment for segment in segments if len(segment) == 1]
    deep = ["/" + "/".join(parts) for parts in product(short, repeat=depth)]
    return found + [path + end for path in deep for end in ("/z", "/b")]


class Space:
    """Paths times conditions, where a condition is a method, two headers and a parameter."""

    def __init__(self, segments=SEGMENTS, depth=3, methods=METHODS, headers=HEADERS, query=QUERY):
        self.plain = _paths(segments, depth)
        self.paths = self.plain + list(SLASHED)
        self.known = frozenset(self.paths)
        self.names = [("header", name) for name in headers] + [("query", name) for name in query]
        values = [*headers.values(), *query.values()]
        self.conditions = [
            (method, dict(zip(self.names, chosen))) for method in methods for chosen in product(*values)
        ]
        self.width = len(self.conditions)
        self.all_conditions = (1 << self.width) - 1
        self.everything = self.product((1 << len(self.paths)) - 1, self.all_conditions)
        self._path_masks = {}
        self._condition_masks = {}
        self.wide = self

    def along(self, paths):
        """The same conditions with other paths, deeper ones too; which pattern is narrower is still asked of this space."""
        made = copy.copy(self)
        made.paths = made.plain = list(paths)
        made.everything = made.product((1 << len(made.paths)) - 1, made.all_conditions)
        made._path_masks = {}
        return made

    def path_mask(self, pattern):
        """The paths of a pattern."""
        found = self._path_masks.get(pattern.text)
        if found is None:
            found = sum(1 << at for at, path in enumerate(self.paths) if pattern.has(path))
            self._path_masks[pattern.text] = found
        return found

    def condition_mask(self, methods, headers, query):
        """The combinations that satisfy methods, headers and parameters."""
        key = (tuple(methods), repr(sorted(headers.items())), repr(sorted(query.items())))
        found = self._condition_masks.get(key)
        if found is None:
            tests = [(("header", name), test) for name, test in headers.items()]
            tests += [(("query", name), test) for name, test in query.items()]
            found = 0
            for at, (method, values) in enumerate(self.conditions):
                if methods and method not in methods:
                    continue
                if all(conditions.holds(test, values.get(name)) == conditions.TAKES for name, test in tests):
                    found |= 1 << at
            self._condition_masks[key] = found
        return found

    def conditions_of(self, rule):
        """The combinations of a rule."""
        return self.condition_mask(rule.methods, rule.headers, rule.query)

    @lru_cache(maxsize=100_000)
    def _spread(self, path_mask):
        made = 0
        while path_mask:
            low = path_mask & -path_mask
            made |= 1 << ((low.bit_length() - 1) * self.width)
            path_mask ^= low
        return made

    def product(self, path_mask, condition_mask):
        """The requests with one of these paths and one of these combinations."""
        return self._spread(path_mask) * condition_mask

    def mask(self, rule):
        """The requests whose conditions all hold for a rule."""
        return self.product(self.paths_of(rule), self.conditions_of(rule))

    def paths_of(self, rule):
        """The paths that a rule matches, of those that come to it: its listener makes `/` of `//` unless it keeps them."""
        found = self.path_mask(rule.pattern)
        return found if rule.keeps_slashes else found & ((1 << len(self.plain)) - 1)

    def coming(self, rules):
        """All requests that come to the rules of a host."""
        keeps = bool(rules) and rules[0].keeps_slashes
        return self.everything if keeps else self.product((1 << len(self.plain)) - 1, self.all_conditions)

    def compare_paths(self, one, other):
        """-1 if the paths of one are fewer, 1 if more, 0 if they are the same, None if neither."""
        return _compare(self.wide.paths_of(one), self.wide.paths_of(other))

    def compare_conditions(self, one, other):
        """The same for methods, headers and parameters together."""
        return _compare(self.conditions_of(one), self.conditions_of(other))

    def slice(self, path_at):
        """All requests with one path."""
        return self.all_conditions << (path_at * self.width)

    def points(self, mask, most=None):
        """The requests of a set, as path, method, values."""
        given = 0
        while mask and given != most:
            low = mask & -mask
            mask ^= low
            path_at, condition_at = divmod(low.bit_length() - 1, self.width)
            method, values = self.conditions[condition_at]
            yield self.paths[path_at], method, values
            given += 1

    def index(self, path_at, condition_at):
        """The bit of a request."""
        return 1 << (path_at * self.width + condition_at)

    def paths_in(self, mask):
        """The paths of a set, each with the combinations that it has there."""
        for at, path in enumerate(self.paths):
            part = (mask >> (at * self.width)) & self.all_conditions
            if part:
                yield path, part


def _compare(one, other):
    if one == other:
        return 0
    if one & other == one:
        return -1
    if one & other == other:
        return 1
    return None


def spelled(path, method, values):
    """A request of the space as a test or `weft why` has it: method, target, headers."""
    query = [f"{name}={value}" for (kind, name), value in values.items() if kind == "query" and value is not None]
    headers = tuple((name, value) for (kind, name), value in values.items() if kind == "header" and value is not None)
    return method, path + ("?" + "&".join(query) if query else ""), headers
