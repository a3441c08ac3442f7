"""Makes a random spec one that the manual accepts, by taking away what it would refuse."""

import copy

from . import meaning, tables
from .spec import Mesh


def repaired(spec, space):
    """The spec without what the oracle knows to be an error; None if nothing is left of it."""
    spec = copy.deepcopy(spec)
    for certificate in (spec.get("certificates") or {}).values():
        certificate.pop("names", None)
    for _ in range(60):
        mesh = Mesh([spec], spec.get("values"))
        if not (_routes(spec, mesh, space) or _policies(spec, mesh, space)):
            return spec if spec["routes"] else None
    return None


def _remove(spec, rule):
    """Takes a rule away, and its route with the last one; the others keep their names."""
    route_name, own = rule.id.split("/")
    route = spec["routes"][route_name]
    for index, written in enumerate(route["rules"]):
        if str(written.get("name", index)) == own:
            del route["rules"][index]
            break
    if not route["rules"]:
        del spec["routes"][route_name]
    return True


def _routes(spec, mesh, space):
    """Removes one route or rule that is an error; False if there is none."""
    names = tables.known_hosts(mesh)
    is_served = any("*" in listener.hosts for listener in mesh.listeners)
    for listener in mesh.listeners:
        for pattern, rules in listener.table.items():
            if not tables.served(listener, pattern, mesh, names):
                return _remove(spec, rules[0])
            table = tables.Table(rules, mesh, space)
            for at, rule in enumerate(rules):
                if not table.masks[at] or table.dead(at) is not False:
                    return _remove(spec, rule)
            for at, *_ in (*table.ambiguous(), *table.coincidences()):
                return _remove(spec, rules[at])
            for rule in rules:
                if "redirect" in rule.written and rule.written["redirect"].get("host") != "elsewhere.org":
                    found = _find(spec, rule)
                    found["redirect"] = {**found["redirect"], "host": "elsewhere.org"}
                    return True
                if "redirect" in rule.written and is_served:
                    found = _find(spec, rule)
                    found["respond"] = {"status": found.pop("redirect").get("code", 302) + 100}
                    return True
    for node in mesh.gateways:
        own = [listener for listener in mesh.listeners if listener.node == node]
        if not any(listener.table for listener in own):
            name = f"{node.split('/')[1]}/{own[0].name}"
            spec["routes"][f"fill-{node.split('/')[1]}"] = {
                "on": name,
                "host": own[0].hosts[0],
                "rules": [{"respond": {"status": 404}}],
            }
            return True
    return False


def _find(spec, rule):
    route, own = rule.id.split("/")
    rules = spec["routes"][route]["rules"]
    return next(one for index, one in enumerate(rules) if str(one.get("name", index)) == own)


def _policies(spec, mesh, space):
    """Lets callers in that are refused altogether, or in what a rewrite makes."""
    for node, rule, mask in forwarding(mesh, space):
        for name in rule.backends:
            service = name.split("@")[0]
            if not mesh.has_sidecar(service) or mesh.mtls == "disabled":
                continue
            admitted, refused = verdicts(mesh, space, node, service, rule, mask)
            # A declared operation has to be admitted whole, as has what a rewrite makes.
            whole = (node.startswith("service/") and rule.methods) or "path" in (rule.written.get("rewrite") or {})
            if refused and (whole or not admitted):
                written = spec["services"][service]
                written["allow"] = [_enough(node, rule, whole), *(written.get("allow") or [])]
                written.pop("deny", None)
                return True
    return False


def _enough(node, rule, whole):
    """A permission for what a rule sends; a part of it where a part is enough."""
    entry = {"from": [node]}
    if "path" in (rule.written.get("rewrite") or {}):
        return entry
    if rule.methods:
        entry["methods"] = list(rule.methods) if whole else [rule.methods[0]]
    if "path" in rule.written:
        entry["path"] = rule.written["path"]
    return entry


def forwarding(mesh, space):
    """Every rule that forwards, with its node and the requests that it takes."""
    names = tables.known_hosts(mesh)
    for listener in mesh.listeners:
        for pattern, rules in listener.table.items():
            if tables.served(listener, pattern, mesh, names):
                table = tables.Table(rules, mesh, space)
                yield from ((listener.node, rules[at], mask) for at, mask in table.decisions() if at is not None and rules[at].backends)
    for service in mesh.services:
        for callee, rules in mesh.calls(service).items():
            table = tables.Table(rules, mesh, space)
            yield from ((f"service/{service}", rules[at], mask) for at, mask in table.decisions() if at is not None)


def verdicts(mesh, space, node, service, rule, mask):
    """Of the requests that a rule takes: how many the service admits, and one that it refuses.

    A rule that names no methods takes all of them, as `weft explain call-not-allowed` says; so does a call without operations, which
    declares none, and of which only a path that is refused for every method is told.
    """
    admitted, refused = 0, None
    for path, part in space.paths_in(mask):
        onward = meaning.outcome(rule, path, mesh).path
        for method in sorted(methods_in(space, part)):
            if meaning.admits(mesh, service, node, method, onward) is None:
                admitted += 1
            else:
                refused = refused or (method, path, onward)
    return admitted, refused


def methods_in(space, part):
    """The methods of a set of combinations."""
    return {method for at, (method, _) in enumerate(space.conditions) if part >> at & 1}
