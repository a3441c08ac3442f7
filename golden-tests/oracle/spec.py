"""A spec as it is written, read into one mesh: files, values, names."""

import re
from functools import lru_cache

from . import hosts, paths, settings, text

EXPRESSION = re.compile(r"\{\{\s*([^}]*?)\s*\}\}")


def _lookup(values, words):
    for word in words.split("."):
        values = values[word]
    return values


def evaluated(node, values):
    """The node with every `{{ name }}` replaced; a scalar that is one expression keeps the kind of its value."""
    if isinstance(node, dict):
        return {key: evaluated(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [evaluated(value, values) for value in node]
    if not isinstance(node, str) or "{{" not in node:
        return node
    whole = EXPRESSION.fullmatch(node)
    if whole:
        return _lookup(values, whole.group(1))
    return EXPRESSION.sub(lambda found: str(_lookup(values, found.group(1))), node)


def listener_of(route):
    """The listener of a route, by either name of the field."""
    return route["listener"] if "listener" in route else route["on"]


def hosts_of(route):
    """The hosts of a route, each once."""
    return list(dict.fromkeys(route["hosts"])) if "hosts" in route else [route["host"]]


class Rule:
    """A rule of a table, from a route, a call or the inbound side of a sidecar."""

    def __init__(self, name, written, services):
        self.id = name
        self.written = written
        self.pattern = paths.pattern(written.get("path"))
        self.methods = tuple(written.get("methods") or ())
        self.headers = dict(written.get("headers") or {})
        self.query = dict(written.get("query") or {})
        self.priority = written.get("priority", 0)
        self.keeps_slashes = False
        # What the rule says, else its listener.
        self.body = written.get("maxBody")
        self.settled = None
        self.backends = {}
        to = written.get("to")
        if isinstance(to, str):
            self.backends = {to: 1_000_000}
        elif to:
            self.backends = {name: settings.share(text) for name, text in to.items()}
        self.called = [services.get(name.split("@")[0], {}) for name in self.live]

    @property
    def live(self):
        """The backends that get requests."""
        return [name for name, part in self.backends.items() if part]

    @property
    def has_idle_backend(self):
        """Whether a backend without a share stands there; it decides nothing."""
        return len(self.live) < len(self.backends)

    def __repr__(self):
        return f"<{self.id} {self.written}>"


class Listener:
    """One listener of a gateway, or a side of a sidecar, with the table of its hosts."""

    def __init__(self, node, name, written):
        self.node = node
        self.name = name
        self.written = written
        self.address = written.get("address", "0.0.0.0")
        self.port = written.get("port")
        self.protocol = written.get("protocol", "http")
        self.hosts = written.get("hosts") or ["*"]
        self.certificate = (written.get("tls") or {}).get("certificate")
        self.default = (written.get("tls") or {}).get("default")
        self.refuses_dots = written.get("normalize", "merge") == "reject"
        self.slashes = written.get("slashes", "refuse" if self.refuses_dots else "merge")
        self.keeps_escaped = written.get("escapedSlashes", "refuse") == "keep"
        # Metadata of gRPC may have them where nothing is said.
        self.underscores = written.get("underscores", "drop but for gRPC")
        self.body = written.get("maxBody")
        self.trusted = written.get("trustedHops", 0)
        # A trusted proxy in front has begun the trace.
        self.traces = written.get("tracing", "keep" if self.trusted else "remove")
        limits = written.get("limits") or {}
        self.longest_target = settings.size(limits.get("target", "8KiB"))
        self.longest_head = settings.size(limits.get("head", "60KiB"))
        self.most_fields = limits.get("fields", 100)
        self.table = {}

    def canonical(self, target):
        """The path that rules see."""
        return paths.canonical(target, self.slashes, self.refuses_dots, self.keeps_escaped)


class Mesh:
    """All files of a spec together."""

    def __init__(self, documents, values=None):
        parts = {}
        self.assertions, self.tests = [], []
        for document in documents:
            document = evaluated(document, values or {})
            for key in ("gateways", "services", "routes", "certificates"):
                parts.setdefault(key, {}).update(document.get(key) or {})
            self.assertions += document.get("assert") or []
            self.tests += document.get("tests") or []
            if "mesh" in document:
                self.settings = document["mesh"]
        self.services = parts.get("services", {})
        self.certificates = parts.get("certificates", {})
        self.routes = parts.get("routes", {})
        self.defaults = self.settings.get("defaults") or {}
        self.mtls = self.settings.get("mtls", "strict")
        self.domain = self.settings["trustDomain"]
        self.listeners = [
            Listener(f"gateway/{gateway}", name, listener)
            for gateway, written in parts.get("gateways", {}).items()
            for name, listener in written["listeners"].items()
        ]
        self.gateways = [f"gateway/{name}" for name in parts.get("gateways", {})]
        self._fill()

    @classmethod
    def read(cls, folder):
        """The mesh of a folder of YAML files, with the values beside them."""
        values = folder / "values.yaml"
        known = text.load(values.read_text()) if values.exists() else {}
        files = sorted(path for path in folder.rglob("*.yaml") if path != values)
        return cls([text.load(path.read_text()) for path in files], known)

    def _fill(self):
        found = {f"{listener.node.split('/')[1]}/{listener.name}": listener for listener in self.listeners}
        for name, route in self.routes.items():
            listener = found[listener_of(route)]
            made = [self._rule(name, index, rule, listener) for index, rule in enumerate(route["rules"])]
            for host in hosts_of(route):
                listener.table.setdefault(host, []).extend(made)

    def _rule(self, name, index, rule, listener):
        made = Rule(f"{name}/{rule.get('name', index)}", rule, self.services)
        made.keeps_slashes = listener.slashes == "keep"
        made.body = rule.get("maxBody", listener.body)
        return made

    def rules(self):
        """All rules of gateways and calls."""
        for listener in self.listeners:
            for rules in listener.table.values():
                yield from rules
        for service in self.services:
            for rules in self.calls(service).values():
                yield from rules

    def backends(self, name):
        """All backends of a rule, those without a share too."""
        return next(rule.backends for rule in self.rules() if rule.id == name)

    def listener(self, name):
        """The listener of `gateway/listener`."""
        gateway, _, own = name.partition("/")
        return next(one for one in self.listeners if one.node == f"gateway/{gateway}" and one.name == own)

    @lru_cache(maxsize=None)
    def calls(self, service):
        """The outbound table of a sidecar: by callee, the rules of its calls."""
        table = {}
        for callee, call in (self.services[service].get("calls") or {}).items():
            call = call or {}
            common = {key: call[key] for key in ("timeout", "retry", "trailers", "maxInFlight") if key in call}
            name = f"{service}/calls/{callee}"
            operations = call.get("operations")
            if not operations:
                table[callee] = [Rule(name, {**common, "to": callee}, self.services)]
                continue
            table[callee] = []
            for index, operation in enumerate(operations):
                method, path = operation.split(" ", 1)
                written = {**common, "to": callee, "methods": [method], "path": path}
                table[callee].append(Rule(f"{name}/{index}", written, self.services))
        return table

    def has_sidecar(self, service):
        """Whether a proxy stands before the process."""
        return "app" in self.services[service]

    def leading(self, service):
        """The listeners with a rule that leads to a service."""
        for listener in self.listeners:
            rules = (rule for rules in listener.table.values() for rule in rules)
            if any(name.split("@")[0] == service for rule in rules for name in rule.backends):
                yield listener

    def inbound_reading(self, service):
        """A sidecar keeps `//` and `%2F` where a gateway that leads to it does."""
        leading = list(self.leading(service))
        slashes = "keep" if any(one.slashes == "keep" for one in leading) else "merge"
        return slashes, any(one.keeps_escaped for one in leading)

    def paths_at(self, service, space):
        """The paths of the space that come to the sidecar of a service."""
        return space.paths if self.inbound_reading(service)[0] == "keep" else space.plain

    def mode(self, service):
        """The mTLS of the hop to a service: `strict`, `permissive` or `disabled`."""
        if not self.has_sidecar(service):
            return "disabled"
        return self.services[service].get("mtls", self.mtls)

    def identity(self, node):
        """The SPIFFE identity of a node."""
        return f"spiffe://{self.domain}/{node}"

    def caller(self, identity):
        """The caller, or the kind of callers, of an identity or a pattern of identities."""
        name = identity[len(f"spiffe://{self.domain}/"):]
        return "mesh" if name == "**" else name

    def served(self, listener, host):
        """Whether a request for this host comes to this listener, of all of its address and port."""
        return self.choose(listener.node, listener.port, host) is listener

    def choose(self, node, port, host):
        """The listener of a port that names the host best, or None."""
        fitting = []
        for listener in self.listeners:
            if listener.node == node and listener.port == port:
                owner = hosts.best(listener.hosts, host)
                if owner is not None:
                    fitting.append((hosts.rank(owner), listener))
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
