"""What the rules of one host come to, for all requests of the space at once."""

from . import hosts, meaning


class Table:
    """The rules of one host of one listener, each with what it wins."""

    def __init__(self, rules, mesh, space):
        self.rules = rules
        self.mesh = mesh
        self.space = space
        self.masks = [space.mask(rule) for rule in rules]
        self.beaters = [
            [other for other in range(len(rules)) if other != at and meaning.narrower(rules[other], rules[at], space)]
            for at in range(len(rules))
        ]
        self.wins = []
        for at, mask in enumerate(self.masks):
            for other in self.beaters[at]:
                mask &= ~self.masks[other]
            self.wins.append(mask)
        self.covered = 0
        for mask in self.masks:
            self.covered |= mask
        self._alike = {}

    def ties(self):
        """Pairs of rules between which nothing decides for some requests, with those requests."""
        for at in range(len(self.rules)):
            for other in range(at):
                both = self.wins[at] & self.wins[other]
                if both:
                    yield at, other, both

    def differing(self, at, other, both):
        """Those of the requests for which two rules do different things."""
        found = 0
        for path, part in self.space.paths_in(both):
            if not alike(self.rules[at], self.rules[other], path, self.mesh):
                found |= self.space.product(1 << self.space.paths.index(path), part)
        return found

    def ambiguous(self):
        """Pairs of rules whose order would decide what a request gets, each with such requests."""
        for at, other, both in self.ties():
            differing = self.differing(at, other, both)
            if differing:
                yield at, other, differing

    def coincidences(self):
        """Pairs of rules with an open order that make other paths by other words, the same of each request that both match.

        The manual calls rules with different outcomes ambiguous; whether these are, it leaves open, and `weft` refuses them.
        """
        for at, other, _ in self.ties():
            if any(self.rules[at].written.get(key) != self.rules[other].written.get(key) for key in ("rewrite", "redirect")):
                yield at, other

    def identical(self):
        """Pairs of rules with the same requests and the same priority."""
        for at in range(len(self.rules)):
            for other in range(at):
                same = self.masks[at] == self.masks[other] and self.masks[at]
                if same and self.rules[at].priority == self.rules[other].priority:
                    yield at, other

    def dead(self, at):
        """True if others take all requests of a rule, False if it decides for some, None if an open order says."""
        if not self.masks[at]:
            return None
        if not self.wins[at]:
            return True
        alone = self.wins[at]
        for other in range(len(self.rules)):
            if other != at:
                alone &= ~self.wins[other]
        return False if alone else None

    def decisions(self):
        """Masks by deciding rule; of an open order between rules that do the same, one of them."""
        left = self.space.coming(self.rules)
        for at, win in enumerate(self.wins):
            mine = win & left
            left &= ~win
            if mine:
                yield at, mine
        if left:
            yield None, left

    def without(self, at):
        """The same host without one rule."""
        return Table([rule for index, rule in enumerate(self.rules) if index != at], self.mesh, self.space)


def alike(one, other, path, mesh):
    """Whether two rules do the same with a path."""
    first = meaning.outcome(one, path, mesh).without_name()
    return first == meaning.outcome(other, path, mesh).without_name()


def known_hosts(*meshes, more=()):
    """Hosts that tell apart all patterns of these meshes: every exact one, and some below each wildcard."""
    patterns = {"*", *more}
    for mesh in meshes:
        for listener in mesh.listeners:
            patterns.update(listener.hosts)
            patterns.update(listener.table)
    found = set()
    for pattern in patterns:
        if pattern == "*":
            found.add("fresh.example")
        elif pattern.startswith("*."):
            found.update({"fresh" + pattern[1:], "deep.fresh" + pattern[1:]})
        else:
            found.add(pattern)
    return sorted(found)


def served(listener, pattern, mesh, names):
    """The hosts of a table that reach it: by the choice of the listener, then by the most specific host."""
    return [
        host
        for host in names
        if mesh.served(listener, host) and hosts.best(listener.table, host) == pattern
    ]
