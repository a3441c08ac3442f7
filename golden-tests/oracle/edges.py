"""What is shown beside a verdict: witnesses, examples in messages, `why`; and findings about certificates and redirects."""

import re

from . import asking, hosts, meaning, tables
from .report import Disagreement
from .spec import hosts_of, listener_of

EXAMPLE = re.compile(r"`([A-Z]+) ([^`]*)`")


def parsed(shown):
    """A request of a message: `GET x.test/a?q=1, x-a: 1`."""
    method, rest = shown
    first, *lines = rest.split(", ")
    host, slash, target = first.partition("/")
    headers = tuple(tuple(part.strip() for part in line.split(":", 1)) for line in lines)
    return meaning.Request(method, host, slash + target, headers)


def witnesses(mesh, space, told):
    """Every request of `weft witness` goes where it says."""
    for line in told:
        if not line["node"].startswith("gateway/"):
            continue
        port = next(one.port for one in mesh.listeners if (one.node, one.name) == (line["node"], line["listener"]))
        headers = tuple(map(tuple, line["headers"]))
        request = meaning.Request(line["method"], line["host"], line["target"], headers)
        listener, made = meaning.at_gateway(mesh, line["node"], port, request, space)
        if made.open or made.reason == "ambiguous":
            continue
        if listener is None or listener.name != line["listener"] or made.rule != line["route"]:
            where = f"{listener and listener.name} {made.rule or made.reason}"
            kind = "witness" if listener and listener.name == line["listener"] else "witness-of-another-listener"
            yield Disagreement(kind, f"{line} goes to {where}")


def shadows(mesh, space, findings):
    """A rule that is said to lose a request loses it to the rule that is named."""
    rules = {rule.id: (listener, rule) for listener in mesh.listeners for one in listener.table.values() for rule in one}
    for (_, name), line in findings.by_code.get("partial-shadow", []):
        example = EXAMPLE.findall(line["message"].split("does not take", 1)[1])
        labels = " ".join(label["text"] or "" for label in line["labels"])
        winner = re.search(r"`([^`]+)` has a narrower path", labels)
        if not example or not winner or name not in rules:
            continue
        listener, loser = rules[name]
        request = parsed(example[0])
        _, made = meaning.at_gateway(mesh, listener.node, listener.port, request, space)
        path = listener.canonical(request.target)
        if meaning.takes(loser, request.method, path, request) != "takes":
            yield Disagreement("partial-shadow", f"{name} does not match {request}")
        elif made.rule != winner.group(1) and not made.open and made.reason is None:
            kind = "partial-shadow" if meaning.hosts.best(listener.hosts, request.host) else "partial-shadow-host"
            yield Disagreement(kind, f"{line['message']}: {winner.group(1)} is said to take it, and {made.rule} does")


def certificates(mesh, findings):
    """Exact hosts of https listeners against the names of their certificates."""
    names = tables.known_hosts(mesh)
    for name, route in mesh.routes.items():
        listener = mesh.listener(listener_of(route))
        known = (mesh.certificates.get(listener.certificate) or {}).get("names")
        mine = hosts_of(route)
        if listener.protocol != "https" or known is None or any("*" in host for host in mine):
            continue
        served = [host for host in mine if tables.served(listener, host, mesh, names)]
        truth = any(not any(_names(one, host) for one in known) for host in served)
        said = findings.of("cert-coverage", "route", name)
        if truth != said:
            yield Disagreement("cert-coverage", f"{mine} of {name}: uncovered {truth}, said {said}, {known}")


def _names(pattern, host):
    """A wildcard of a certificate stands for one label, and for none where one label alone is behind it."""
    if pattern.startswith("*."):
        return 1 < pattern.count(".") and hosts.has(pattern, host) and host.count(".") == pattern.count(".")
    return pattern == host


def whys(bench, rng, mesh, place, number):
    """`weft why`, with the node that is named among several."""
    for query in asking.sample(rng, mesh, bench.space, number):
        node, port, sender, request = query
        if "\\" in request.target or request.method in ("TRACE", "get"):
            continue
        _, made = asking.answer(mesh, bench.space, *query)
        if made.open or made.reason == "ambiguous":
            continue
        url = asking.url(mesh, node, port, request)
        if sender is None and made.reason != "unknown-host" and rng.random() < 0.5:
            url = url.replace(f":{port}", "")
            if not _is_clear(mesh, bench.space, node, port, query, made):
                continue
        origin = None if sender is None else f"service/{sender}"
        told, run = bench.weft.why(place, f"{request.method} {url}", request.headers, node, origin)
        bench.report.count("whys")
        hop = told["hops"][0] if told and told["hops"] else {}
        rule = (hop.get("route") or {}).get("id")
        if rule != made.rule:
            said = rule or str(hop.get("refusal")) or run.stderr[-200:]
            yield Disagreement("why", f"{node} {url} {request}: {made.rule or made.reason}, said {said} {run.stderr[-200:]}")


def _is_clear(mesh, space, node, port, query, made):
    """Without a port, whether only one listener of the node could be meant."""
    protocol = next(one.protocol for one in mesh.listeners if (one.node, one.port) == (node, port))
    ports = {one.port for one in mesh.listeners if one.node == node and one.protocol == protocol}
    return len(ports) == 1


def loops(mesh, space, findings):
    """Redirects that never end, where every one keeps scheme and port."""
    redirecting = [rule for rule in mesh.rules() if "redirect" in rule.written]
    if any("scheme" in rule.written["redirect"] or "port" in rule.written["redirect"] for rule in redirecting):
        return
    # A name that only `*` serves may lead elsewhere: the spec does not say whose it is.
    named = {pattern for one in mesh.listeners for pattern in (*one.hosts, *one.table) if pattern != "*"}
    leading = {rule.written["redirect"].get("host") for rule in redirecting} - {None}
    if not all(any(hosts.has(pattern, host) for pattern in named) for host in leading):
        return
    truth = None
    names = tables.known_hosts(mesh)
    for listener in mesh.listeners:
        for pattern, rules in listener.table.items():
            reach = tables.served(listener, pattern, mesh, names)
            if not reach or not any("redirect" in rule.written for rule in rules):
                continue
            table = tables.Table(rules, mesh, space)
            if any(table.ambiguous()):
                return
            for at, mask in table.decisions():
                if at is None or "redirect" not in rules[at].written:
                    continue
                for path, part in space.paths_in(mask):
                    for method, values in _by_method(space, part):
                        truth = truth or _follow(mesh, space, listener, reach[0], path, method, values)
    said = bool(findings.by_code.get("redirect-loop"))
    if truth and not said and findings.errors():
        # Redirects are followed in specs without other errors alone.
        return
    if bool(truth) != said:
        yield Disagreement("redirect-loop", f"never ends: {truth}, said {said}")


def _by_method(space, part):
    """A request of a set for each of its methods; HEAD, which no rule of ours names, is with those that no rule names."""
    found = {}
    for at, (method, values) in enumerate(space.conditions):
        if part >> at & 1:
            found.setdefault(method, values)
    if "PATCH" in found:
        found["HEAD"] = found["PATCH"]
    return found.items()


def _follow(mesh, space, listener, host, path, method, values):
    """The way of a client, if it leads back or goes on for 20 hops."""
    from .space import spelled

    _, target, headers = spelled(path, method, values)
    query = target[len(path) :]
    way = []
    for _ in range(21):
        step = (host, path, method)
        if step in way:
            return [*way, step]
        way.append(step)
        request = meaning.Request(method, host, path + query, headers)
        _, made = meaning.at_gateway(mesh, listener.node, listener.port, request, space)
        if made.open or made.location is None:
            return None
        _, to_host, _, path = eval(made.location)  # noqa: S307: our own representation
        host = to_host or host
        # Clients differ about 301 and 302; of all of them it is said that they go on with GET (`weft explain method-loss`).
        if made.status in (301, 302, 303) and method != "HEAD":
            method = "GET"
    return way
