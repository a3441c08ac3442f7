"""What becomes of a request: the hops it takes, and what each of them does.

This is the whole of the semantics in one place: listener, host, rule, refusal, permission, forwarding.
"""

from typing import NamedTuple, Optional

from . import callers, conditions, hosts, paths, settings

NEVER_FORWARDED = ("TRACE", "CONNECT")


class Request(NamedTuple):
    """A request as a client sends it."""

    method: str
    host: Optional[str]
    target: str
    headers: tuple = ()


class Outcome(NamedTuple):
    """What one proxy does with a request: it answers, or forwards to backends by share."""

    status: Optional[int] = None
    reason: Optional[str] = None
    rule: Optional[str] = None
    location: Optional[str] = None
    backends: tuple = ()
    path: Optional[str] = None
    host: Optional[str] = None
    timeouts: tuple = ()
    retry: tuple = ()
    changes: tuple = ()
    body: Optional[str] = None
    open: bool = False

    def without_name(self):
        """Two rules that differ in this not at all are alike for every request."""
        return self._replace(rule=None)


def refusal(status, reason):
    """An answer of the proxy's own."""
    return Outcome(status=status, reason=reason)


def narrower(one, other, space):
    """Whether a rule goes before another one with which it overlaps; `space` compares sets."""
    if one.priority != other.priority:
        return other.priority < one.priority
    order = space.compare_paths(one, other)
    if order:
        return order < 0
    if order is None:
        return False
    return space.compare_conditions(one, other) == -1


def takes(rule, method, path, request):
    """Whether a rule takes, refuses or leaves a request."""
    if rule.methods and method not in rule.methods:
        return conditions.LEAVES
    if not rule.pattern.has(path):
        return conditions.LEAVES
    answers = [conditions.holds(test, conditions.header_value(request.headers, name)) for name, test in rule.headers.items()]
    answers += [conditions.holds(test, conditions.query_value(request.target, name)) for name, test in rule.query.items()]
    if conditions.LEAVES in answers:
        return conditions.LEAVES
    return conditions.REFUSES if conditions.REFUSES in answers else conditions.TAKES


def outcome(rule, path, mesh, request=None, secure=False):
    """What a rule does with a canonical path that it takes."""
    written = rule.written
    bound = rule.pattern.bindings(path)
    changes = _changes(written)
    if "respond" in written:
        answer = written["respond"]
        body = (answer.get("body") or "", answer.get("contentType") or "")
        return Outcome(status=answer["status"], rule=rule.id, body=repr(body), changes=_answer_changes(changes))
    if "redirect" in written:
        answer = written["redirect"]
        place = _location(answer, path, bound)
        return Outcome(
            status=answer.get("code", 302), rule=rule.id, location=repr(place), changes=_answer_changes(changes)
        )
    rewrite = written.get("rewrite") or {}
    onward = paths.rewritten(rewrite["path"], bound) if "path" in rewrite else path
    if rule.settled is None:
        # They are the same for each path, and asked for each.
        rule.settled = _settled(rule, mesh)
    timeouts, retry, more = rule.settled
    return Outcome(
        rule=rule.id,
        backends=tuple(sorted((name, part) for name, part in rule.backends.items() if part)),
        path=onward,
        host=rewrite.get("host"),
        timeouts=timeouts,
        retry=retry,
        changes=changes + more,
    )


def _changes(written):
    """What a rule changes of headers."""
    return tuple((key, repr(written.get(key))) for key in ("requestHeaders", "responseHeaders") if written.get(key))


def _settled(rule, mesh):
    """Limits, tries and other settings of a rule that forwards."""
    limits = settings.timeouts(rule.written, rule.called, mesh.defaults)
    tries = settings.retry(rule.written, rule.called, mesh.defaults)
    single = settings.single(rule.written, rule.called, rule.body)
    return (
        tuple(limits[name] for name in settings.TIMES),
        _tries(tries),
        tuple((name, value) for name, value in single.items() if value is not None),
    )


def _tries(tries):
    """Of a single try one thing counts besides: what met the end of a kept connection is repeated without it."""
    if 1 < tries["attempts"]:
        return tuple(sorted(tries.items()))
    return tuple((name, tries[name]) for name in ("attempts", "idempotent"))


def _answer_changes(changes):
    """Of an answer of the proxy's own only the changes to it can be noticed."""
    return tuple(change for change in changes if change[0] == "responseHeaders")


def _location(redirect, path, bound):
    made = paths.rewritten(redirect["path"], bound) if "path" in redirect else path
    return (redirect.get("scheme"), redirect.get("host"), redirect.get("port"), made)


def winners(rules, method, path, request, space):
    """The rules that decide: those that take or refuse the request and to which none is preferred."""
    fitting = [(rule, takes(rule, method, path, request)) for rule in rules]
    fitting = [pair for pair in fitting if pair[1] != conditions.LEAVES]
    return [
        (rule, answer)
        for rule, answer in fitting
        if not any(narrower(other, rule, space) for other, _ in fitting if other is not rule)
    ]


def decide(table, host, request, path, mesh, space):
    """What a table of hosts does with a canonical request."""
    owner = hosts.best(table, host)
    if owner is None:
        return refusal(404, "no-route")
    best = winners(table[owner], request.method, path, request, space)
    if not best:
        return refusal(404, "no-route")
    made = []
    for rule, answer in best:
        made.append(
            refusal(400, "repeated-header") if answer == conditions.REFUSES else outcome(rule, path, mesh, request)
        )
    first = made[0]
    alike = all(other.without_name() == first.without_name() for other in made)
    return first._replace(open=len(made) > 1) if alike else Outcome(reason="ambiguous", open=True)


def at_gateway(mesh, node, port, request, space, sni=None, secure=False):
    """The listener of the request and what it does."""
    if request.method in NEVER_FORWARDED:
        return None, refusal(405, "method-refused")
    host = "" if request.host is None else hosts.canonical(request.host)
    if host is None:
        return None, refusal(400, "bad-host")
    listener = mesh.choose(node, port, host)
    if listener is None:
        return None, refusal(404, "unknown-host")
    if secure and not hears(mesh, listener, sni):
        return listener, refusal(421, "misdirected")
    too_large = beyond_limits(listener, request)
    if too_large:
        return listener, too_large
    if listener.underscores == "refuse" and any("_" in name for name, _ in request.headers):
        return listener, refusal(400, "underscore")
    try:
        path = listener.canonical(request.target)
    except paths.Refused as refused:
        return listener, refusal(400, str(refused))
    return listener, decide(listener.table, host, seen_headers(listener, request), path, mesh, space)


def beyond_limits(listener, request):
    """What a listener says of a head that is larger than it takes; else None.

    The head is the target and all fields, each with 4 bytes for what separates it; the field `Host` is one of them.
    """
    fields = (("host", request.host or ""), *request.headers)
    if listener.longest_target < len(request.target):
        return refusal(414, "target-too-long")
    if listener.most_fields < len(fields):
        return refusal(431, "too-many-fields")
    if listener.longest_head < len(request.target) + sum(len(name) + len(value) + 4 for name, value in fields):
        return refusal(431, "head-too-large")
    return None


def seen_headers(listener, request):
    """The request without what its listener drops before a rule looks at it."""
    if listener.underscores == "keep" or not any("_" in name for name, _ in request.headers):
        return request
    return request._replace(headers=tuple(pair for pair in request.headers if "_" not in pair[0]))


def certificate(mesh, node, port, sni):
    """The certificate that a connection is made with; None if the handshake fails."""
    own = [listener for listener in mesh.listeners if listener.node == node and listener.port == port]
    if sni:
        chosen = mesh.choose(node, port, sni.lower())
        return chosen.certificate if chosen else None
    named = {listener.default for listener in own if listener.default}
    if named:
        return named.pop()
    whole = [listener.certificate for listener in own if "*" in listener.hosts]
    if whole:
        return whole[0]
    only = {listener.certificate for listener in own}
    return only.pop() if len(only) == 1 else None


def hears(mesh, listener, sni):
    """Whether a listener answers requests of a connection that was made for a name: it shows the same certificate. Without a name, one
    that names the certificate for such clients does so, too.
    """
    shown = certificate(mesh, listener.node, listener.port, sni)
    if sni or shown is None or shown == listener.certificate:
        return shown == listener.certificate
    of_port = {one.certificate for one in mesh.listeners if (one.node, one.port) == (listener.node, listener.port)}
    return len(of_port) == 1 or shown == listener.default


def admits(mesh, service, identity, method, path):
    """What the sidecar of a service says about a caller: None if it admits, else status and reason."""
    written = mesh.services[service]
    if mesh.mtls == "disabled":
        return None
    if identity is None:
        return refusal(403, "no-identity")
    if denied(written, identity, method, path) or not allowed(written, identity, method, path):
        return refusal(403, "not-allowed")
    return None


def denied(service, identity, method, path):
    """Whether an entry of `deny` has this call."""
    return any(
        ("from" not in entry or callers.named(entry["from"], identity)) and _operation(entry, method, path)
        for entry in service.get("deny") or []
    )


def allowed(service, identity, method, path):
    """Whether an entry of `allow` has this call."""
    return any(
        callers.named(entry["from"], identity) and _operation(entry, method, path) for entry in service.get("allow") or []
    )


def _operation(entry, method, path):
    methods = entry.get("methods")
    return (not methods or method in methods) and paths.pattern(entry.get("path")).has(path)


def from_service(mesh, service, request, space):
    """What the outbound side of a sidecar does with a request of its process."""
    if request.method in NEVER_FORWARDED:
        return refusal(405, "method-refused")
    host = hosts.canonical(request.host)
    if host is None:
        return refusal(400, "bad-host")
    try:
        path = paths.canonical(request.target)
    except paths.Refused as refused:
        return refusal(400, str(refused))
    table = mesh.calls(service)
    if host not in table:
        return refusal(404, "no-route")
    return decide(table, host, request, path, mesh, space)


def behind(mesh, node, made, method):
    """By backend, whether the sidecar behind it admits what `node` forwards; a service without one admits all."""
    answers = {}
    for name, _ in made.backends:
        service = name.split("@")[0]
        answers[name] = admits(mesh, service, node, method, made.path) if mesh.has_sidecar(service) else None
    return answers
