"""The real proxies on loopback, held against the manual: what a client sees and what a server gets.

Gateways are asked over http, and over https with a name that may differ from the host; processes ask through the
outbound side of their sidecar; peers, strangers and plaintext come to the inbound side.
"""

from . import asking, callers, client, emit, generate, hosts, meaning, measured, repair, second, stand, tables
from .report import Disagreement
from .spec import Mesh

LARGE = b"x" * 1500


class Seen:
    """What may come back: a status, and who answered with which words."""

    def __init__(self, status, reason=None, origin=None, **words):
        self.status = status
        self.reason = reason
        self.origin = origin
        self.words = words

    def fits(self, answer):
        """Whether an answer is this one."""
        if answer.status != self.status:
            return False
        if self.reason is not None and answer.headers.get("x-weft-reason") != self.reason:
            return False
        if answer.headers.get("x-origin") != self.origin:
            return False
        return all(answer.headers.get(name.replace("_", "-"), "") == value for name, value in self.words.items())

    def __repr__(self):
        return f"{self.status} {self.reason or ''} {self.origin or ''} {self.words}"


def of_outcome(mesh, sender, made, request, host, body, scheme):
    """All answers that an outcome allows; by backend."""
    if made.reason == "underscore":
        return [Seen(made.status)]
    if made.reason:
        return [Seen(made.status, made.reason)]
    query = request.target.partition("?")
    query = query[1] + query[2]
    added = {"x_added": _added(made)}
    if made.location is not None:
        return [Seen(made.status, location=location(made, request, host, scheme, query), **added)]
    if made.status is not None:
        return [Seen(made.status, **added)]
    if _too_large(made, body):
        return [Seen(413, "body-too-large")]
    found = []
    for name, verdict in meaning.behind(mesh, sender, made, request.method).items():
        if verdict is not None:
            found.append(Seen(403, verdict.reason))
            continue
        words = {"x_target": made.path + query, "x_method": request.method, "x_saw_set": _set(made)}
        words["x_host"] = made.host or mesh.services[name.split("@")[0]].get("host") or host
        found.append(Seen(200, None, name, **words, **added))
    return found


def _changes(made, which):
    return next((text for key, text in made.changes if key == which), "{}")


def _added(made):
    found = _changes(made, "responseHeaders")
    return next((value for value in ("1", "2") if f"'x-added': '{value}'" in found), "")


def _set(made):
    found = _changes(made, "requestHeaders")
    return next((value for value in "1234" if f"'x-set': '{value}'" in found), "")


def _too_large(made, body):
    return _changes(made, "maxBody") == 1024 and 1024 < len(body)


def location(made, request, host, scheme, query):
    """Where a redirect leads: what it does not say is as the client sent it."""
    to_scheme, to_host, to_port, path = eval(made.location)  # noqa: S307: our own representation
    name, _, port = host.partition(":")
    if to_port is None:
        to_port = port if to_scheme is None else None
    made_scheme = to_scheme or scheme
    default = {"http": "80", "https": "443"}[made_scheme]
    shown = f":{to_port}" if to_port and str(to_port) != default else ""
    return f"{made_scheme}://{to_host or name}{shown}{path}{query}"


class Wire:
    """The round of one spec on the wire."""

    def __init__(self, bench, ground):
        self.bench = bench
        self.ground = ground
        self.space = bench.space

    def round(self, number, requests):
        """Generates, builds, starts, asks, stops."""
        rng = self.bench.random("wire", number)
        options = generate.Options(ports=self.ground.port, on_wire=True, keys=self.ground.keys.folder)
        spec = repair.repaired(generate.spec(rng, options), self.space)
        if spec is None:
            return
        place = self.bench.place(f"wire-{number}")
        emit.write(spec, place / "spec")
        built = self.bench.weft.build(place / "spec", place / "dist")
        if built.returncode:
            self.bench.note([Disagreement("wire-build", built.stderr[-500:])], {"spec": place / "spec"}, number)
            return
        mesh = Mesh([spec])
        running = stand.Stand(self.ground, mesh, place / "dist", place / "proxies.log")
        try:
            found = self.ask(rng, mesh, requests)
        finally:
            running.close()
        self.bench.report.count("specs on the wire")
        self.bench.note(found, {"spec": place / "spec"}, number)

    def ask(self, rng, mesh, requests):
        """Sends requests in every way that the spec has."""
        self.connections = {}
        found = []
        ways = [self.gateway] * 6 + [self.outbound] * 2 + [self.inbound] * 2
        for _ in range(requests):
            wrong = rng.choice(ways)(rng, mesh)
            if wrong is not None:
                found.append(wrong)
        for connection in self.connections.values():
            connection.close()
        found += measured.shares(mesh, self.space, self.bench.report)
        return found + list(measured.limits(mesh, self.space, self.bench.report))

    def connection(self, port, context=None, name=None, key=None, version=client):
        """The kept connection of this kind."""
        known = (port, key, name, version.__name__)
        if known not in self.connections:
            self.connections[known] = version.Connection(port, context, name)
        return self.connections[known]

    def _settle(self, kind, expected, connection, request, host, body=b""):
        """Sends, compares, counts."""
        self.bench.report.count("requests on the wire")
        try:
            answer = connection.ask(request, host, body)
        except client.Broken as broken:
            answer = None
            said = f"broken: {broken}"
        if expected is None:
            return None if answer is None else Disagreement(f"wire-{kind}", f"expected no answer, got {answer}", str(request))
        if answer is None:
            return Disagreement(f"wire-{kind}", f"expected {expected}, got {said}", f"{request} to {host}")
        if any(one.fits(answer) for one in expected):
            return None
        return Disagreement(f"wire-{kind}", f"expected {expected}, got {answer}", f"{request} to {host}")

    def gateway(self, rng, mesh):
        """A client of a gateway."""
        listener = rng.choice([one for one in mesh.listeners if stand.is_open(mesh, one)])
        names = tables.known_hosts(mesh)
        method, target, headers = asking._point(rng, self.space)
        host = rng.choice(names)
        if rng.random() < 0.05:
            host = host.upper()
        sent = f"{host}:{listener.port}" if rng.random() < 0.7 else host
        request = meaning.Request(method, sent, target, headers)
        # Over HTTP/2 a target with a byte that no URI may hold is reset by whoever reads it first.
        version = second if second.is_there() and "\\" not in target and rng.random() < 0.4 else client
        secure = listener.protocol == "https"
        sni = None
        if secure:
            sni = rng.choice(names) if rng.random() < 0.3 else hosts.canonical(host)
            # Some clients name no host: old ones, and those that go by an address.
            sni = None if rng.random() < 0.2 else sni
            connection = self.connection(listener.port, client.stranger(), sni, "tls", version)
            shown = meaning.certificate(mesh, listener.node, listener.port, sni)
            if shown is None:
                return self._settle("handshake", None, connection, request, sent)
        else:
            connection = self.connection(listener.port, version=version)
        _, made = meaning.at_gateway(mesh, listener.node, listener.port, request, self.space, sni, secure)
        if made.open or made.reason == "ambiguous":
            return None
        body = LARGE if method in ("POST", "PUT") and rng.random() < 0.15 else b""
        expected = of_outcome(mesh, listener.node, made, request, sent, body, listener.protocol)
        kind = "never-forwarded" if method == "TRACE" else ("tls" if secure else "gateway")
        if version is second:
            kind += "-http2"
        wrong = self._settle(kind, expected, connection, request, sent, body)
        if secure and wrong is None and connection.leaf != self.ground.keys.leaf(shown):
            return Disagreement("wire-certificate", f"expected {shown} for the name {sni}, got another one", f"{request} to {sent}")
        return wrong

    def outbound(self, rng, mesh):
        """A process that calls another service through its sidecar."""
        callers = [name for name in mesh.services if mesh.has_sidecar(name) and mesh.calls(name)]
        if not callers:
            return None
        caller = rng.choice(callers)
        called = [*mesh.calls(caller), *mesh.calls(caller), *mesh.services]
        method, target, headers = asking._point(rng, self.space)
        request = meaning.Request(method, rng.choice(called), target, headers)
        made = meaning.from_service(mesh, caller, request, self.space)
        if made.open or made.reason == "ambiguous":
            return None
        port = int(mesh.services[caller]["sidecar"]["outbound"].split(":")[1])
        expected = of_outcome(mesh, f"service/{caller}", made, request, request.host, b"", "http")
        return self._settle("outbound", expected, self.connection(port), request, request.host)

    def inbound(self, rng, mesh):
        """Somebody who comes to the inbound side of a sidecar: a peer, or one who proves nothing."""
        guarded = [name for name in mesh.services if mesh.has_sidecar(name)]
        if not guarded:
            return None
        service = rng.choice(guarded)
        port = int(mesh.services[service]["sidecar"]["inbound"].split(":")[1])
        method, target, headers = asking._point(rng, self.space)
        request = meaning.Request(method, service, target, headers)
        nodes = callers.known(mesh)
        mode = mesh.mode(service)
        sender = None if mode == "disabled" or rng.random() < 0.25 else rng.choice(nodes)
        if sender is None:
            connection = self.connection(port)
        else:
            connection = self.connection(port, client.peer(self.ground.keys.identity(sender)), None, sender)
        if sender is None and mode == "strict":
            return self._settle("strict", None, connection, request, request.host)
        expected = at_sidecar(mesh, service, sender, request)
        return self._settle("inbound", expected, connection, request, request.host)


def at_sidecar(mesh, service, sender, request):
    """What the inbound side answers to a caller that came in."""
    if request.method in meaning.NEVER_FORWARDED:
        return [Seen(405, "method-refused")]
    try:
        path = sidecar_path(mesh, service, request.target)
    except meaning.paths.Refused as refused:
        return [Seen(400, str(refused))]
    verdict = meaning.admits(mesh, service, sender, request.method, path)
    if verdict is not None:
        return [Seen(403, verdict.reason)]
    query = request.target.partition("?")
    return [Seen(200, None, service, x_target=path + query[1] + query[2], x_method=request.method, x_host=request.host)]


def sidecar_path(mesh, service, target):
    """The path that a sidecar reads."""
    slashes, keeps_escaped = mesh.inbound_reading(service)
    return meaning.paths.canonical(target, slashes, False, keeps_escaped)

