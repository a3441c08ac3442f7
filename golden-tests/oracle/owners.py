"""Who owns what on one side, by `docs/ownership.md`: files, services, routes, requests."""

import copy

from . import generate, hosts, tables
from .spec import hosts_of

TEAMS = ("a", "b")
PLATFORM = "platform"


def lists(rng, spec):
    """Who lists which hosts, services and files. The file with `mesh` is the platform's, whoever lists it."""
    owners = [*TEAMS, PLATFORM]
    made = {owner: {"hosts": [], "services": [], "files": []} for owner in owners}
    made[PLATFORM]["files"] = ["mesh.yaml", "services.yaml"]
    made[PLATFORM if rng.random() < 0.85 else rng.choice(TEAMS)]["files"].append("routes.yaml")
    # Whoever has the file of all routes may take no requests of others.
    of_routes = of_file(made, "routes.yaml")
    able = owners if of_routes == PLATFORM else [of_routes]
    for host in generate.HOSTS:
        if rng.random() < 0.6:
            made[rng.choice(able)]["hosts"].append(host)
    for service in spec["services"]:
        if rng.random() < 0.8:
            made[rng.choice(owners)]["services"].append(service)
    return made


def of_file(made, name):
    """Whoever lists a file."""
    return next(owner for owner, named in made.items() if name in named["files"])


def of_host(made, host):
    """Who has the most specific entry for a host, and that entry."""
    patterns = {pattern: owner for owner, named in made.items() for pattern in named["hosts"]}
    best = hosts.best(patterns, host)
    return (patterns[best], best) if best else (None, None)


def with_lists(spec, made):
    """The spec with these lists."""
    spec = copy.deepcopy(spec)
    spec["mesh"]["teams"] = {team: _said(made[team]) for team in TEAMS}
    spec["mesh"]["platform"] = _said(made[PLATFORM])
    return spec


def _said(named):
    return {key: value for key, value in named.items() if value}


def owned(spec, made, unnamed=()):
    """The spec with these lists, and with a team on each route that is within what the team lists, but for some that stay the platform's."""
    spec = with_lists(spec, made)
    if of_file(made, "routes.yaml") != PLATFORM:
        return spec
    for name, route in spec["routes"].items():
        mine = [host for host in tables.known_hosts(more=generate.HOSTS) if any(hosts.has(own, host) for own in hosts_of(route))]
        found = {of_host(made, host)[0] for host in mine}
        if len(found) == 1 and found <= set(TEAMS) and name not in unnamed:
            route["team"] = found.pop()
    return spec


class Owners:
    """The owners of one side."""

    def __init__(self, side, made):
        self.side = side
        self.made = made

    def of_service(self, service):
        """Whoever lists it; else the owner of its file."""
        listed = (owner for owner, named in self.made.items() if service in named["services"])
        return next(listed, of_file(self.made, "services.yaml"))

    def of_route(self, route):
        """The team that it names; else the owner of its file."""
        return self.side.mesh.routes[route].get("team", of_file(self.made, "routes.yaml"))

    def of_request(self, host, rules):
        """Those who have a say about a request to a gateway that these rules take; several do the same where they are open."""
        owner, entry = of_host(self.made, host)
        found = {owner} - {None}
        for rule in rules:
            route = rule.split("/")[0]
            own = hosts.best(hosts_of(self.side.mesh.routes[route]), host)
            if entry is None or (own is not None and hosts.rank(entry) <= hosts.rank(own)):
                found.add(self.of_route(route))
        return found

    def of_receivers(self, rule):
        """The owners of the services that get the requests of a rule; nobody where it forwards nothing."""
        return {self.of_service(name.split("@")[0]) for name in rule.live} if rule is not None else set()
