"""Random specs over all dimensions of the language, and their repair into ones that should be accepted."""

from .callers import KINDS

HOSTS = ["a.test", "b.test", "x.a.test", "*.a.test", "*.test", "*", "x.b.test"]
SEGMENTS = ["a", "b", "{x}", "{y}"]
REGEXES = ["/a/[^/]+", "/(a|b)", "/a/.*", "/a.*", "/[ab]/b", "/.*b", "/a/b/?"]
METHODS = ["GET", "POST", "PUT", "DELETE"]
VALUES = ["1", "2", {"present": True}, {"absent": True}, {"regex": "1|2"}, {"regex": "1.*"}, {"regex": "[0-9]+"}]
STATUSES = [200, 403, 404, 418]


class Options:
    """What a generated spec has; the wire needs addresses that exist and leaves out what no wire shows."""

    def __init__(self, ports=None, on_wire=False, regex=0.12, keys="certificates"):
        self.ports = ports
        self.keys = keys
        self.on_wire = on_wire
        self.regex = regex


def some(rng, items, least=1, most=None):
    """A few of these, in their order."""
    count = rng.randint(least, min(most or len(items), len(items)))
    chosen = rng.sample(items, count)
    return [item for item in items if item in chosen]


def path(rng, options):
    """A pattern."""
    if rng.random() < options.regex:
        return {"regex": rng.choice(REGEXES)}
    depth = rng.choice([0, 1, 1, 1, 2, 2, 2, 3])
    segments, free = [], ["{x}", "{y}", "{z}"]
    for _ in range(depth):
        segment = rng.choice(["a", "b", "a", "b", "{}"])
        segments.append(free.pop(0) if segment == "{}" else segment)
    text = "/" + "/".join(segments)
    kind = rng.random()
    if kind < 0.45:
        return "/**" if not segments else text + "/**"
    if kind < 0.52 and segments:
        return text + "/"
    return text


def rewrite_of(rng, pattern):
    """A new path that uses what the pattern has."""
    if isinstance(pattern, dict):
        return rng.choice(["/a", "/b/z"])
    text = pattern or "/**"
    names = [part for part in text.split("/") if part.startswith("{")]
    parts = [rng.choice(["a", "b", *names, *names]) for _ in range(rng.randint(0, 2))]
    seen, kept = set(), []
    for part in parts:
        if part not in seen or not part.startswith("{"):
            kept.append(part)
            seen.add(part)
    made = "/" + "/".join(kept)
    if text.endswith("/**") and rng.random() < 0.8:
        return "/**" if made == "/" else made + "/**"
    return made


def matches(rng, options):
    """The conditions of a rule."""
    rule = {}
    if rng.random() < 0.85:
        rule["path"] = path(rng, options)
    if rng.random() < 0.35:
        rule["methods"] = some(rng, METHODS, 1, 2)
    if rng.random() < 0.3:
        rule["headers"] = {"x-a": rng.choice(VALUES)}
        if rng.random() < 0.25:
            rule["headers"]["x-b"] = rng.choice(["1", {"present": True}, {"absent": True}])
    if rng.random() < 0.15:
        rule["query"] = {"q": rng.choice(VALUES)}
    if rng.random() < 0.2:
        rule["priority"] = rng.choice([-1, 1, 2])
    return rule


def backends(rng, services):
    """What stands in `to`."""
    names = [name for name in services]
    names += [f"{name}@v2" for name, service in services.items() if "versions" in service]
    if len(names) == 1 or rng.random() < 0.65:
        return rng.choice(names)
    one, other = rng.sample(names, 2)
    part = rng.choice([0, 10, 25, 50, 90, 100])
    return {one: f"{part}%", other: f"{100 - part}%"}


def rule(rng, services, options):
    """A rule with what it does."""
    made = matches(rng, options)
    kind = rng.random()
    if kind < 0.15:
        made["respond"] = {"status": rng.choice(STATUSES)}
        if rng.random() < 0.4:
            made["respond"]["body"] = rng.choice(["no", "yes"])
        return made
    if kind < 0.27:
        made["redirect"] = redirect(rng, made.get("path"))
        return made
    made["to"] = backends(rng, services)
    if rng.random() < 0.25:
        made["timeout"] = {"request": rng.choice(["900ms", "950ms"] if options.on_wire else ["200ms", "400ms", "500ms"])}
        if rng.random() < 0.3 and not options.on_wire:
            made["timeout"]["backendRequest"] = rng.choice(["100ms", "200ms"])
    if rng.random() < 0.2:
        made["retry"] = {"attempts": rng.choice([1, 2])}
    if rng.random() < 0.25:
        made["rewrite"] = {"path": rewrite_of(rng, made.get("path"))}
    if rng.random() < 0.1:
        made.setdefault("rewrite", {})["host"] = rng.choice(["up.test", "other.test"])
    if rng.random() < 0.15:
        made["requestHeaders"] = {"set": {"x-set": rng.choice(["1", "2"])}}
    if rng.random() < 0.1:
        made.setdefault("retry", {}).update(rng.choice([{"idempotent": True}, {"budget": "30%"}, {"budget": "off"}]))
    if rng.random() < 0.1:
        made["maxBody"] = rng.choice(["1KiB", "2KiB"])
    if rng.random() < 0.1:
        made["maxInFlight"] = rng.choice([20, 30])
    if rng.random() < 0.1:
        made["trailers"] = rng.choice(["pass", "drop"])
    if rng.random() < 0.1:
        made["upgrade"] = ["websocket"]
    if rng.random() < 0.08:
        made.setdefault("retry", {})["backoff"] = backoff(rng)
    if rng.random() < 0.1:
        made["responseHeaders"] = {"add": {"x-added": rng.choice(["1", "2"])}}
    return made


def backoff(rng):
    """How long is waited before another try."""
    return rng.choice([{"base": "10ms"}, {"base": "40ms", "max": "400ms"}, {"max": "300ms"}])


def redirect(rng, pattern):
    """Where a rule sends clients."""
    made = {}
    if rng.random() < 0.5:
        made["host"] = rng.choice(["elsewhere.org", "a.test", "b.test"])
    if rng.random() < 0.6:
        made["path"] = rewrite_of(rng, pattern)
    if rng.random() < 0.3 or not made:
        made["scheme"] = "https"
    if rng.random() < 0.5:
        made["code"] = rng.choice([301, 303, 307, 308])
    return made


def access(rng, callers, options):
    """An entry of `allow` or `deny`."""
    made = {"from": some(rng, callers, 1, 2)}
    if rng.random() < 0.25:
        made["from"] = some(rng, made["from"] + KINDS, 1, 2)
    if rng.random() < 0.5:
        made["path"] = path(rng, options)
    if rng.random() < 0.4:
        made["methods"] = some(rng, METHODS, 1, 3)
    return made


def service(rng, name, names, gateways, mtls, options):
    """A service: behind a sidecar, or outside of the mesh."""
    callers = gateways + [f"service/{other}" for other in names if other != name]
    made = {"protocol": "http"}
    outside = rng.random() < 0.2
    made["endpoints"] = [f"127.0.0.1:{options.ports(f'{name}.outside' if outside else f'{name}.inbound')}"]
    if outside:
        made["mtls"] = "disabled"
    else:
        made["app"] = f"127.0.0.1:{options.ports(f'{name}.app')}"
        made["sidecar"] = {
            "inbound": f"127.0.0.1:{options.ports(f'{name}.inbound')}",
            "outbound": f"127.0.0.1:{options.ports(f'{name}.outbound')}",
        }
        if mtls != "disabled":
            made["allow"] = [access(rng, callers, options) for _ in range(rng.choice([1, 1, 2, 3]))]
            if rng.random() < 0.4:
                made["allow"].insert(0, {"from": some(rng, callers, 1)})
            if rng.random() < 0.3:
                made["deny"] = [access(rng, callers, options)]
                if rng.random() < 0.5:
                    del made["deny"][0]["from"]
                    made["deny"][0]["path"] = path(rng, options)
    # On the wire the versions of a service behind a sidecar would be one and the same proxy.
    if rng.random() < 0.3 and (outside or not options.on_wire):
        made["versions"] = {"v2": {"endpoints": [f"127.0.0.1:{options.ports(f'{name}.v2')}"]}}
    if rng.random() < 0.4:
        made["timeout"] = {"request": rng.choice(["1s", "2s"])}
    if rng.random() < 0.15:
        made["maxInFlight"] = rng.choice([25, 40])
    if rng.random() < 0.2:
        made["retry"] = {"attempts": rng.choice([1, 2, 3]), "on": rng.choice([[503], ["reset"], ["connect-failure", 502]])}
    if rng.random() < 0.15:
        made["keepAlive"] = rng.choice(["30s", "90s"])
    if rng.random() < 0.08 and not options.on_wire:
        made["sensitivity"] = "public"
    return made


def calls(rng, name, services, options):
    """Whom a service calls; only those after it, so that nothing goes in circles."""
    later = [other for other in services if other > name]
    made = {}
    for callee in later:
        if rng.random() < 0.6:
            call = {}
            if rng.random() < 0.6:
                call["operations"] = [
                    f"{rng.choice(METHODS)} {text}"
                    for text in (path(rng, Options(regex=0)) for _ in range(rng.choice([1, 1, 2])))
                ]
            call["timeout"] = {"request": rng.choice(["800ms"] if options.on_wire else ["50ms", "80ms"])}
            if rng.random() < 0.15:
                call["maxInFlight"] = rng.choice([20, 50])
            made[callee] = call
    return made


def listener(rng, port, protocol, patterns, options):
    """A listener of a gateway."""
    made = {"address": "127.0.0.1", "port": port, "protocol": protocol}
    if patterns != ["*"] or rng.random() < 0.5:
        made["hosts"] = patterns
    if protocol == "https":
        made["tls"] = {"certificate": rng.choice(["c1", "c2"])}
    if rng.random() < 0.12:
        made["slashes"] = rng.choice(["keep", "refuse", "merge"])
    if rng.random() < 0.08:
        made["normalize"] = "reject"
    if rng.random() < 0.1:
        made["escapedSlashes"] = "keep"
    if rng.random() < 0.15:
        made["underscores"] = rng.choice(["refuse", "keep", "drop"])
    if rng.random() < 0.1:
        made["maxBody"] = rng.choice(["1KiB", "3KiB"])
    if not options.on_wire and rng.random() < 0.15:
        made["trustedHops"] = rng.choice([0, 1])
    if not options.on_wire and rng.random() < 0.15:
        made["tracing"] = rng.choice(["keep", "restart", "remove"])
    if rng.random() < 0.15:
        made["limits"] = rng.choice([{"target": "64B"}, {"fields": 10}, {"head": "1KiB"}])
    return made


def gateway(rng, name, options):
    """A gateway; listeners of one port share its hosts."""
    made, number = {}, 0
    for at in range(rng.choice([1, 1, 2])):
        protocol = "https" if rng.random() < 0.35 else "http"
        port = options.ports(f"{name}.{at}")
        free, of_port = HOSTS[:], []
        for _ in range(rng.choice([1, 1, 2, 3] if protocol == "http" else [1, 2, 2, 3])):
            if rng.random() < 0.35 and "*" in free:
                patterns = ["*"]
            else:
                patterns = some(rng, free, 1, 2)
            free = [pattern for pattern in free if pattern not in patterns]
            made[f"l{number}"] = listener(rng, port, protocol, patterns, options)
            of_port.append(made[f"l{number}"])
            number += 1
        if protocol == "https" and rng.random() < 0.3:
            rng.choice(of_port)["tls"]["default"] = rng.choice(["c1", "c2"])
    return {"listeners": made}


def spec(rng, options):
    """A whole spec, as one document for each kind of file."""
    mtls = rng.choices(["strict", "permissive", "disabled"], [70, 15, 15])[0]
    names = [f"s{at}" for at in range(rng.choice([1, 2, 3, 3]))]
    gateways = ["g"] if rng.random() < 0.7 else ["g", "h"]
    made = {"mesh": mesh(rng, mtls), "gateways": {name: gateway(rng, name, options) for name in gateways}}
    made["certificates"] = {
        name: {"chain": f"{options.keys}/{name}.pem", "key": f"{options.keys}/{name}.key"} for name in ("c1", "c2")
    }
    if not options.on_wire and rng.random() < 0.3:
        names_of = [["a.test", "*.test"], ["*.a.test", "b.test"], ["*.test"], ["*.b.test", "a.test"]]
        made["certificates"]["c1"]["names"] = rng.choice(names_of)
    nodes = [f"gateway/{name}" for name in gateways]
    services = {name: service(rng, name, names, nodes, mtls, options) for name in names}
    for name, written in services.items():
        if "app" in written:
            written["calls"] = calls(rng, name, services, options) or {}
            if not written["calls"]:
                del written["calls"]
    made["services"] = services
    made["routes"] = routes(rng, made, options)
    return made


def mesh(rng, mtls):
    """The settings of everything."""
    made = {"name": "m", "trustDomain": "m.test", "defaults": {"timeout": {"request": rng.choice(["3s", "4s"])}}}
    if mtls != "strict" or rng.random() < 0.3:
        made["mtls"] = mtls
    if mtls == "permissive":
        made["until"] = "2031-01-01"
    if rng.random() < 0.3:
        made["defaults"]["retry"] = {"attempts": rng.choice([1, 2]), "on": ["connect-failure"]}
    if rng.random() < 0.1:
        made["defaults"].setdefault("retry", {})["backoff"] = backoff(rng)
    if rng.random() < 0.15:
        made["defaults"]["keepAlive"] = rng.choice(["30s", "75s"])
    if rng.random() < 0.2:
        made["defaults"]["timeout"]["connect"] = rng.choice(["500ms", "1500ms"])
    return made


def routes(rng, written, options):
    """Routes of all listeners."""
    places = [f"{name}/{own}" for name, one in written["gateways"].items() for own in one["listeners"]]
    made = {}
    for at in range(rng.choice([1, 2, 3, 4])):
        place = rng.choice(places)
        name, own = place.split("/")
        patterns = written["gateways"][name]["listeners"][own].get("hosts", ["*"])
        host = rng.choice(patterns + HOSTS) if rng.random() < 0.6 else rng.choice(patterns)
        rules = [rule(rng, written["services"], options) for _ in range(rng.choice([1, 2, 3, 4, 5]))]
        for index, one in enumerate(rules):
            if rng.random() < 0.2:
                one["name"] = f"n{index}"
        named = {"host": host} if rng.random() < 0.75 else {"hosts": [host, *some(rng, patterns + HOSTS, 1, 2)]}
        made[f"r{at}"] = {rng.choice(["on", "listener"]): place, **named, "rules": rules}
    return made
