"""Assertions: random ones about a spec, and whether they hold, decided request by request."""

from . import callers, generate, hosts, meaning, paths, settings, tables
from .report import Disagreement


def random_region(rng, mesh, options):
    """A region of requests to gateways."""
    made = {}
    if rng.random() < 0.75:
        made["host"] = rng.choice(tables.known_hosts(mesh, more=generate.HOSTS))
    if rng.random() < 0.4:
        made["path"] = generate.path(rng, options)
    if rng.random() < 0.3:
        made["methods"] = generate.some(rng, generate.METHODS, 1, 2)
    if rng.random() < 0.2:
        made["headers"] = {"x-a": rng.choice(generate.VALUES)}
    if rng.random() < 0.2:
        listener = rng.choice(mesh.listeners)
        made["listener"] = f"{listener.node.split('/')[1]}/{listener.name}"
    if rng.random() < 0.15:
        made["except"] = [{"path": generate.path(rng, options)}]
    return made


def _operation(rng, options):
    text = generate.path(rng, generate.Options(regex=0))
    return f"{rng.choice(generate.METHODS)} {text}"


def random_claims(rng, mesh, options, number):
    """Assertions of the kinds that one spec can answer."""
    nodes = mesh.gateways + [f"service/{name}" for name in mesh.services]
    services = list(mesh.services)
    for at in range(number):
        kind = rng.choice(["never", "never", "never", "only", "only", "total", "exists", "bound", "always"])
        if kind == "never":
            body = {"from": rng.choice(["internet", "internet", *nodes]), "to": rng.choice(services)}
            if rng.random() < 0.7:
                body["operation"] = _operation(rng, options)
        elif kind == "only":
            body = {"to": rng.choice(services), "callers": generate.some(rng, nodes + (callers.KINDS if rng.random() < 0.3 else []), 1)}
            if rng.random() < 0.7:
                body["operation"] = _operation(rng, options)
        elif kind == "total":
            body = random_region(rng, mesh, options)
        elif kind == "exists":
            body = {"for": random_region(rng, mesh, options), "to": rng.choice(services)}
        elif kind == "bound":
            body = {"for": random_region(rng, mesh, options)}
            body[rng.choice(["timeout"])] = rng.choice(["400ms", "500ms", "1s", "2s", "3s"])
            if rng.random() < 0.4:
                body["attempts"] = rng.choice([1, 2])
        else:
            body = {"for": random_region(rng, mesh, options), "to": generate.some(rng, services, 1)}
        yield {"name": f"a{at}", kind: body}


class Judge:
    """Decides assertions about one mesh; True, False, or None where the manual leaves it open."""

    def __init__(self, mesh, space):
        self.mesh = mesh
        self.space = space
        self.names = tables.known_hosts(mesh, more=generate.HOSTS)
        self._decisions = {}
        self._found = {}

    def holds(self, claim):
        """Whether it holds, and a request that shows why not."""
        kind = next(key for key in claim if key != "name")
        return getattr(self, f"_{kind}")(claim[kind])

    def decisions(self, listener, pattern):
        """Rules and the requests that they decide about."""
        key = (listener.node, listener.name, pattern)
        if key not in self._decisions:
            rules = listener.table[pattern]
            made = tables.Table(rules, self.mesh, self.space)
            self._decisions[key] = [(None if at is None else rules[at], mask) for at, mask in made.decisions()]
        return self._decisions[key]

    def _mask(self, region):
        """The requests of a region, whatever their host."""
        wanted = self._part(region)
        for left_out in region.get("except") or []:
            wanted &= ~self._part(left_out)
        return wanted

    def _part(self, region):
        chosen = self.space.path_mask(paths.pattern(region.get("path")))
        methods, headers, query = region.get("methods") or (), region.get("headers") or {}, region.get("query") or {}
        return self.space.product(chosen, self.space.condition_mask(methods, headers, query))

    def taken(self, region):
        """Hosts of a region with what decides about its requests there: listener, host, rule, requests."""
        wanted = self._mask(region)
        for node, port in sorted({(one.node, one.port) for one in self.mesh.listeners}):
            for host in self.names:
                listener = self.mesh.choose(node, port, host)
                if listener is None or not self._inside(region, listener, host):
                    continue
                pattern = hosts.best(listener.table, host)
                found = [(None, self.space.everything)] if pattern is None else self.decisions(listener, pattern)
                for rule, mask in found:
                    if mask & wanted:
                        yield listener, host, rule, mask & wanted

    def _inside(self, region, listener, host):
        name = f"{listener.node.split('/')[1]}/{listener.name}"
        return hosts.has(region.get("host", "*"), host) and region.get("listener", name) == name

    def _shown(self, host, mask):
        return host, next(self.space.points(mask))

    def _never(self, body):
        operation = body.get("operation")
        method, path = operation.split(" ", 1) if operation else (None, None)
        pattern = paths.pattern(path)
        service = body["to"]
        if body["from"] != "internet":
            return self._refused(body["from"], service, method, pattern)
        for listener, host, rule, mask in self.taken({}):
            if rule is None or service not in {name.split("@")[0] for name in rule.live}:
                continue
            for asked, part in self.space.paths_in(mask):
                onward = meaning.outcome(rule, asked, self.mesh).path
                if not pattern.has(onward):
                    continue
                for at, (used, _) in enumerate(self.space.conditions):
                    if part >> at & 1 and method in (None, used) and self._admits(service, listener.node, used, onward):
                        return False, (listener.node, host, used, asked, onward)
            shown = self._deeper(listener, host, rule, (service, method, pattern))
            if shown:
                return False, shown
        return True, None

    def _deeper(self, listener, host, rule, operation):
        """A request with a path deeper than those of the space that a rewrite makes into one of the operation."""
        key = (listener.node, listener.name, rule.id, *operation)
        if key not in self._found:
            self._found[key] = self._below(listener, host, rule, operation)
        return self._found[key]

    def _below(self, listener, host, rule, operation):
        service, method, pattern = operation
        template = (rule.written.get("rewrite") or {}).get("path", "")
        if not template.endswith("/**"):
            return None
        methods = [used for used in sorted({used for used, _ in self.space.conditions}) if method in (None, used)]
        rules = listener.table[hosts.best(listener.table, host)]
        for onward in self.space.paths:
            admitted = [used for used in methods if pattern.has(onward) and self._admits(service, listener.node, used, onward)]
            asked = [path for path in paths.asked(rule.pattern, template, onward) if path not in self.space.known] if admitted else []
            if not asked:
                continue
            table = tables.Table(rules, self.mesh, self.space.along(asked))
            for path, part in table.space.paths_in(table.wins[rules.index(rule)]):
                for at, (used, _) in enumerate(self.space.conditions):
                    if part >> at & 1 and used in admitted:
                        return listener.node, host, used, path, onward
        return None

    def _admits(self, service, node, method, path):
        if not self.mesh.has_sidecar(service):
            return True
        return meaning.admits(self.mesh, service, node, method, path) is None

    def _refused(self, node, service, method, pattern):
        if not self.mesh.has_sidecar(service) or self.mesh.mtls == "disabled":
            return None, None
        for path in self.mesh.paths_at(service, self.space):
            for used in sorted({used for used, _ in self.space.conditions}):
                if pattern.has(path) and method in (None, used) and self._admits(service, node, used, path):
                    return False, (node, used, path)
        return True, None

    def _only(self, body):
        operation = body.get("operation")
        method, path = operation.split(" ", 1) if operation else (None, None)
        if not self.mesh.has_sidecar(body["to"]) or self.mesh.mtls == "disabled":
            return None, None
        for node in callers.known(self.mesh):
            if callers.named(body["callers"], node):
                continue
            held, shown = self._refused(node, body["to"], method, paths.pattern(path))
            if held is not True:
                return held, shown
        return True, None

    def _total(self, region):
        asked = False
        for _, host, rule, mask in self.taken(region):
            asked = True
            if rule is None:
                return False, self._shown(host, mask)
        return (True if asked and self._all_served(region) else None), None

    def _all_served(self, region):
        """Whether some listener serves every host of a region; of others the manual does not speak."""
        mine = [host for host in self.names if hosts.has(region.get("host", "*"), host)]
        return all(any(one.node for one in self.mesh.listeners if self.mesh.served(one, host)) for host in mine)

    def _exists(self, body):
        wanted = body["to"]
        for listener, host, rule, mask in self.taken(body["for"]):
            if rule is not None and wanted in {name.split("@")[0] for name in rule.live}:
                return True, self._shown(host, mask)
        return False, None

    def _bound(self, body):
        for _, host, rule, mask in self.taken(body.get("for") or {}):
            if rule is None or not rule.live:
                continue
            limits = settings.timeouts(rule.written, rule.called, self.mesh.defaults)
            tries = settings.retry(rule.written, rule.called, self.mesh.defaults)["attempts"]
            most = settings.duration(body["timeout"]) if "timeout" in body else None
            if most is not None and (limits["request"] is None or most < limits["request"]):
                return False, self._shown(host, mask)
            if "attempts" in body and body["attempts"] < tries:
                return False, self._shown(host, mask)
        return True, None

    def _always(self, body):
        for _, host, rule, mask in self.taken(body["for"]):
            if rule is not None and not {name.split("@")[0] for name in rule.live} <= set(body["to"]):
                return False, self._shown(host, mask)
        return True, None


def compare(judge, claims, findings):
    """Disagreements between what is proved and what holds; nothing is asked where nothing is known."""
    for claim in claims:
        truth, shown = judge.holds(claim)
        if truth is None or findings.of("assertion-unknown", "assert", claim["name"]):
            continue
        proved = not findings.of("assertion-refuted", "assert", claim["name"])
        kind = next(key for key in claim if key != "name")
        if proved and not truth:
            idle = kind == "bound" and any(rule.has_idle_backend for rule in judge.mesh.rules())
            yield Disagreement("idle-backend" if idle else f"proves-false-{kind}", f"{claim} is proved, and {shown} refutes it")
        if not proved and truth:
            yield Disagreement(f"refutes-true-{kind}", f"{claim} is refuted, and holds")
