"""Findings about owners: files of nobody, definitions and requests that a team takes from others, endpoints that a team may not name.

Each round gives a sound spec owners at random, sensible or not, and compares both ways what `docs/ownership.md` refuses.
"""

import copy
import re

from . import emit, findings, generate, hosts, owners, tables
from .owners import PLATFORM, TEAMS
from .report import Disagreement
from .spec import Mesh, hosts_of, listener_of

FILES = ("services.yaml", "routes.yaml")
FILE = re.compile(r"`([^`]+\.yaml)`")


def claimed(rng, spec):
    """The spec with owners, and their lists."""
    everybody = [*TEAMS, PLATFORM]
    made = {owner: {"hosts": [], "services": [], "files": []} for owner in everybody}
    made[PLATFORM]["files"] = ["mesh.yaml"]
    for name in FILES:
        for owner in rng.choice([[PLATFORM]] * 5 + [["a"]] * 2 + [["b"]] * 2 + [[], ["a", "b"], ["b", PLATFORM]]):
            made[owner]["files"].append(name)
    for host in generate.HOSTS:
        if rng.random() < 0.4:
            made[rng.choice(everybody)]["hosts"].append(host)
    for service in spec["services"]:
        if rng.random() < 0.5:
            made[rng.choice(everybody)]["services"].append(service)
    if rng.random() < 0.2:
        made[rng.choice(TEAMS)]["hosts"] = []
    spec = owners.with_lists(spec, made)
    for part, likely in (("routes", 0.5), ("services", 0.15)):
        for written in spec[part].values():
            if rng.random() < likely:
                written["team"] = rng.choice(TEAMS)
    return spec, made


class Claims:
    """What a spec with owners takes from whom."""

    def __init__(self, spec, made, mesh):
        self.spec = spec
        self.made = made
        self.mesh = mesh
        self.names = tables.known_hosts(mesh, more=generate.HOSTS)

    def unclear(self):
        """Files that nobody lists, or several, with those; that of the mesh is the platform's."""
        found = {name: tuple(sorted(owner for owner, named in self.made.items() if name in named["files"])) for name in FILES}
        return {name: several for name, several in found.items() if len(several) != 1}

    def _team(self, part, name):
        """The team for which a definition stands, or None; and whether its file is another team's."""
        of_file = owners.of_file(self.made, f"{part}.yaml")
        said = self.spec[part][name].get("team", of_file)
        return (None if said == PLATFORM else said), of_file not in (PLATFORM, said)

    def is_wrong_service(self, name):
        """Whether somebody else has the service, or its team lists others alone."""
        team, is_elsewhere = self._team("services", name)
        if team is None or is_elsewhere:
            return is_elsewhere
        listed = next((owner for owner, named in self.made.items() if name in named["services"]), None)
        return listed not in (None, team) or (listed is None and bool(self.made[team]["services"]))

    def is_wrong_route(self, name):
        """Whether a route of a team takes requests to a host of others, or to one that the team does not list among others."""
        team, is_elsewhere = self._team("routes", name)
        if team is None or is_elsewhere:
            return is_elsewhere
        route = self.mesh.routes[name]
        listener = self.mesh.listener(listener_of(route))
        mine = (host for own in hosts_of(route) for host in tables.served(listener, own, self.mesh, self.names))
        for host in mine:
            owner = self._of_host(host)
            if owner not in (None, team) or (owner is None and self.made[team]["hosts"]):
                return True
        return False

    def _of_host(self, host):
        """Whoever has the most specific pattern: by a list, or the platform by a route; a list wins over that."""
        owner, entry = owners.of_host(self.made, host)
        platform = (route for name, route in self.mesh.routes.items() if self._team("routes", name)[0] is None)
        routed = [host for route in platform for host in hosts_of(route)]
        claimed = hosts.best(routed, host)
        if claimed is not None and (entry is None or hosts.rank(entry) < hosts.rank(claimed)):
            return PLATFORM
        return owner

    def overlapping(self):
        """Routes of two teams on one listener for one host, or one below the other, where no list says whose that is."""
        routes = self.mesh.routes
        for one in routes:
            for other in routes:
                teams = {self._team("routes", name)[0] for name in (one, other)}
                if len(teams - {None}) < 2 or listener_of(routes[one]) != listener_of(routes[other]):
                    continue
                listed = [entry for named in self.made.values() for entry in named["hosts"]]
                below = [
                    inner for inner in hosts_of(routes[other]) if any(hosts.covers(outer, inner) for outer in hosts_of(routes[one]))
                ]
                if any(not any(hosts.covers(entry, inner) for entry in listed) for inner in below):
                    yield one, other

    def is_local(self, name):
        """Whether a gateway forwards to this machine because a team wrote it; None where it does without a share."""
        if owners.of_file(self.made, "services.yaml") == PLATFORM:
            return False
        rules = [rule for one in self.mesh.listeners for rules in one.table.values() for rule in rules]
        live, named = ({each.split("@")[0] for rule in rules for each in getattr(rule, part)} for part in ("live", "backends"))
        return True if name in live else None if name in named else False


def rounds(bench, number, rng, spec):
    """One spec with owners, and what `weft check` says of them."""
    spec, made = claimed(rng, copy.deepcopy(spec))
    place = bench.place(f"claimed-{number}")
    places = emit.write(spec, place)
    told = findings.Findings(bench.weft.check(place), places)
    bench.report.count("specs with owners")
    bench.note(list(compare(Claims(spec, made, Mesh.read(place)), told)), {"spec": place}, number)


def compare(claims, told):
    """All disagreements about the owners of a spec."""
    unclear = claims.unclear()
    said = {FILE.search(line["message"]).group(1) for _, line in told.by_code.get("unclear-owner", [])}
    # Of several files that the same owners share one is shown.
    kinds = [{unclear.get(name) or name for name in names} for names in (unclear, said)]
    if kinds[0] != kinds[1] or not said <= set(unclear):
        yield Disagreement("unclear-owner", f"files without one owner: {unclear}, said: {sorted(said)}")
    if unclear:
        return
    for name in claims.spec["services"]:
        yield from _both(told, "wrong-owner", "service", name, claims.is_wrong_service(name))
        yield from _both(told, "local-endpoint", "service", name, claims.is_local(name))
    for name in claims.spec["routes"]:
        yield from _both(told, "wrong-owner", "route", name, claims.is_wrong_route(name))
    overlapping = list(claims.overlapping())
    said = told.by_code.get("overlapping-hosts", [])
    if bool(overlapping) != bool(said):
        yield Disagreement("overlapping-hosts", f"routes of two teams for one host: {overlapping}, said: {said}")


def _both(told, code, kind, name, truth):
    said = any(found == kind and own.split("/")[0] == name for (found, own), _ in told.by_code.get(code, []) if own)
    if truth is not None and truth != said:
        yield Disagreement(code, f"{kind} {name}: {code} {truth}, said {said}")
