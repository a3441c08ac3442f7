"""Edits of a spec, as people make them: each turns a spec into the one after it and is named."""

import copy

from . import generate


def edited(rng, spec, options):
    """A spec after one to three edits, with their names."""
    new = copy.deepcopy(spec)
    names = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        edit = rng.choice(EDITS)
        if edit(rng, new, options) is not False:
            names.append(edit.__name__)
    return new, names


def _rule(rng, spec):
    route = spec["routes"][rng.choice(list(spec["routes"]))]
    return route, rng.choice(route["rules"])


def another_match(rng, spec, options):
    """Other conditions for a rule."""
    _, rule = _rule(rng, spec)
    for key in ("path", "methods", "headers", "query", "priority"):
        if rng.random() < 0.5:
            rule.pop(key, None)
    new = generate.matches(rng, options)
    uses_names = "path" in (rule.get("rewrite") or rule.get("redirect") or {})
    if uses_names:
        new.pop("path", None)
        if "path" not in rule:
            rule.pop("rewrite", None)
            if "redirect" in rule:
                rule["redirect"] = {"host": "elsewhere.org"}
    rule.update({key: value for key, value in new.items() if rng.random() < 0.6})


def another_backend(rng, spec, options):
    """Other backends or shares."""
    _, rule = _rule(rng, spec)
    if "to" not in rule:
        return False
    rule["to"] = generate.backends(rng, spec["services"])
    return True


def another_share(rng, spec, options):
    """Other shares for the same backends."""
    mixed = [rule for route in spec["routes"].values() for rule in route["rules"] if isinstance(rule.get("to"), dict)]
    if not mixed:
        return another_backend(rng, spec, options)
    rule = rng.choice(mixed)
    one, other = list(rule["to"])
    part = rng.choice([0, 5, 20, 50, 70, 100])
    rule["to"] = {one: f"{part}%", other: f"{100 - part}%"}
    return True


def another_timeout(rng, spec, options):
    """Another limit of a rule."""
    _, rule = _rule(rng, spec)
    if "to" not in rule:
        return False
    rule["timeout"] = {"request": rng.choice(["150ms", "450ms", "500ms"])}
    return True


def another_retry(rng, spec, options):
    """Other tries of a rule."""
    _, rule = _rule(rng, spec)
    if "to" not in rule:
        return False
    rule["retry"] = {"attempts": rng.choice([1, 2, 3])}
    if rng.random() < 0.4:
        rule["retry"].update(rng.choice([{"idempotent": True}, {"budget": "10%"}]))
    return True


def another_answer(rng, spec, options):
    """A fixed answer in place of what a rule did."""
    _, rule = _rule(rng, spec)
    for key in ("to", "redirect", "rewrite", "timeout", "retry", "maxBody", "maxInFlight", "requestHeaders"):
        rule.pop(key, None)
    rule["respond"] = {"status": rng.choice(generate.STATUSES)}


def more_rules(rng, spec, options):
    """A new rule."""
    route, _ = _rule(rng, spec)
    route["rules"].append(generate.rule(rng, spec["services"], options))


def fewer_rules(rng, spec, options):
    """A rule less."""
    route, rule = _rule(rng, spec)
    if len(route["rules"]) == 1:
        return False
    route["rules"].remove(rule)
    return True


def another_order(rng, spec, options):
    """The rules the other way round, which means nothing."""
    route, _ = _rule(rng, spec)
    for index, rule in enumerate(route["rules"]):
        rule.setdefault("name", str(index))
    route["rules"].reverse()


def another_name(rng, spec, options):
    """A rule by another name, which means nothing."""
    _, rule = _rule(rng, spec)
    rule["name"] = f"renamed-{rng.randint(1, 99)}"


def identity_rewrite(rng, spec, options):
    """A rewrite to the same path, which means nothing."""
    _, rule = _rule(rng, spec)
    if "to" not in rule or isinstance(rule.get("path"), dict) or "rewrite" in rule:
        return False
    rule["rewrite"] = {"path": rule.get("path", "/**")}
    return True


def another_header(rng, spec, options):
    """Another header that is set."""
    _, rule = _rule(rng, spec)
    if "to" not in rule:
        return False
    rule["requestHeaders"] = {"set": {"x-set": rng.choice(["3", "4"])}}
    return True


def another_host(rng, spec, options):
    """A route for another host."""
    route, _ = _rule(rng, spec)
    if "hosts" in route:
        route["hosts"] = generate.some(rng, generate.HOSTS, 1, 3)
    else:
        route["host"] = rng.choice(generate.HOSTS)


def _listener(rng, spec):
    gateway = spec["gateways"][rng.choice(list(spec["gateways"]))]
    return gateway["listeners"], rng.choice(list(gateway["listeners"]))


def listener_hosts(rng, spec, options):
    """Other hosts for a listener, among those that its port has left."""
    listeners, name = _listener(rng, spec)
    own = listeners[name]
    taken = {
        pattern
        for other, one in listeners.items()
        if other != name and one["port"] == own["port"]
        for pattern in one.get("hosts", ["*"])
    }
    free = [pattern for pattern in generate.HOSTS if pattern not in taken]
    own["hosts"] = generate.some(rng, free, 1, 3)


def listener_certificate(rng, spec, options):
    """Another certificate of a listener, or another for clients that name no host."""
    gateways = spec["gateways"].values()
    secure = [one for gateway in gateways for one in gateway["listeners"].values() if "tls" in one]
    if not secure:
        return False
    own = rng.choice(secure)
    if rng.random() < 0.5:
        own["tls"]["certificate"] = rng.choice(["c1", "c2"])
        return True
    for other in secure:
        # A port has one.
        if other["port"] == own["port"]:
            other["tls"].pop("default", None)
    if rng.random() < 0.7:
        own["tls"]["default"] = rng.choice(["c1", "c2"])
    return True


def more_listeners(rng, spec, options):
    """Another listener at a port of TLS, for hosts that its port has left; it has no route."""
    listeners, name = _listener(rng, spec)
    own = listeners[name]
    taken = {pattern for one in listeners.values() if one["port"] == own["port"] for pattern in one.get("hosts", ["*"])}
    free = [pattern for pattern in generate.HOSTS if pattern not in taken]
    if "tls" not in own or not free:
        return False
    made = generate.listener(rng, own["port"], "https", generate.some(rng, free, 1, 2), options)
    listeners[f"l{len(listeners) + 10}"] = made
    return True


def fewer_listeners(rng, spec, options):
    """A listener less, with its routes, if others are at its port."""
    gateway = rng.choice(list(spec["gateways"]))
    listeners = spec["gateways"][gateway]["listeners"]
    ports = [one["port"] for one in listeners.values()]
    several = [name for name, one in listeners.items() if 1 < ports.count(one["port"])]
    if not several:
        return False
    gone = rng.choice(several)
    of_gone = [name for name, route in spec["routes"].items() if f"{gateway}/{gone}" in (route.get("on"), route.get("listener"))]
    if len(of_gone) == len(spec["routes"]):
        return False
    del listeners[gone]
    for name in of_gone:
        del spec["routes"][name]
    return True


def listener_port(rng, spec, options):
    """A listener moves to a port of its own."""
    listeners, name = _listener(rng, spec)
    listeners[name]["port"] = options.ports(f"moved.{rng.randint(1, 9)}.{name}")


def listener_paths(rng, spec, options):
    """Other ways to read a path."""
    listeners, name = _listener(rng, spec)
    key, values = rng.choice(
        [("slashes", ["keep", "refuse", "merge"]), ("normalize", ["reject", "merge"]), ("escapedSlashes", ["keep", "refuse"])]
    )
    listeners[name][key] = rng.choice(values)


def listener_trust(rng, spec, options):
    """Other proxies in front, traces or bodies."""
    listeners, name = _listener(rng, spec)
    key, values = rng.choice(
        [("trustedHops", [0, 1, 2]), ("tracing", ["keep", "restart", "remove"]), ("maxBody", ["1KiB", "3KiB"])]
    )
    listeners[name][key] = rng.choice(values)


def another_setting(rng, spec, options):
    """Trailers, upgrades or waits of a rule."""
    _, rule = _rule(rng, spec)
    if "to" not in rule:
        return False
    key = rng.choice(["trailers", "upgrade", "backoff"])
    if key == "backoff":
        rule.setdefault("retry", {})["backoff"] = generate.backoff(rng)
    else:
        rule[key] = rng.choice({"trailers": ["pass", "drop"], "upgrade": [["websocket"]]}[key])
    return True


def service_kept(rng, spec, options):
    """How long connections to a service, or to all, are kept."""
    holder = rng.choice([*spec["services"].values(), spec["mesh"]["defaults"]])
    holder["keepAlive"] = rng.choice(["30s", "60s", "90s"])
    return True


def service_in_flight(rng, spec, options):
    """Another number of requests that a service takes at one time."""
    service = rng.choice(list(spec["services"].values()))
    service["maxInFlight"] = rng.choice([25, 35, 45])
    return True


def service_timeout(rng, spec, options):
    """Another contract of a service."""
    service = rng.choice(list(spec["services"].values()))
    service["timeout"] = {"request": rng.choice(["800ms", "1s", "2s"])}


def service_endpoints(rng, spec, options):
    """Another address of a service."""
    name = rng.choice(list(spec["services"]))
    service = spec["services"][name]
    service["endpoints"] = [f"127.0.0.1:{options.ports(f'{name}.other')}"]


def mesh_default(rng, spec, options):
    """Another default of the mesh."""
    spec["mesh"]["defaults"]["timeout"]["request"] = rng.choice(["2500ms", "3s", "5s"])


def _guarded(rng, spec):
    guarded = [service for service in spec["services"].values() if service.get("allow")]
    return rng.choice(guarded) if guarded else None


def _callers(spec):
    return [f"gateway/{name}" for name in spec["gateways"]] + [f"service/{name}" for name in spec["services"]]


def more_allow(rng, spec, options):
    """Another permission."""
    service = _guarded(rng, spec)
    if service is None:
        return False
    service["allow"].append(generate.access(rng, _callers(spec), options))
    return True


def less_allow(rng, spec, options):
    """A permission less, or a narrower one."""
    service = _guarded(rng, spec)
    if service is None:
        return False
    entry = rng.choice(service["allow"])
    if rng.random() < 0.4 and len(service["allow"]) > 1:
        service["allow"].remove(entry)
    else:
        entry["methods"] = generate.some(rng, generate.METHODS, 1, 3)
    return True


def more_deny(rng, spec, options):
    """A refusal."""
    service = _guarded(rng, spec)
    if service is None:
        return False
    service.setdefault("deny", []).append(generate.access(rng, _callers(spec), options))
    return True


def another_call(rng, spec, options):
    """Other operations of a call."""
    callers = [service for service in spec["services"].values() if service.get("calls")]
    if not callers:
        return False
    calls = rng.choice(callers)["calls"]
    call = calls[rng.choice(list(calls))]
    if rng.random() < 0.5 and "operations" in call:
        del call["operations"]
    else:
        text = generate.path(rng, generate.Options(regex=0))
        call["operations"] = [f"{rng.choice(generate.METHODS)} {text}"]
    return True


EDITS = [
    another_match, another_match, another_match, another_backend, another_share, another_share, another_timeout, another_retry,
    another_answer, more_rules, more_rules, fewer_rules, another_order, another_name, identity_rewrite, another_header,
    another_host, listener_hosts, listener_hosts, listener_certificate, listener_certificate, more_listeners, fewer_listeners, listener_port, listener_paths, service_timeout, service_in_flight, service_endpoints,
    listener_trust, another_setting, service_kept, mesh_default, more_allow, less_allow, more_deny, another_call,
]
