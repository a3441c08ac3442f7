"""Values: a spec in which some scalars are expressions, and the file that says what they are."""

import copy


def templated(rng, spec):
    """The same spec with values of its own; every expression stands for what was there."""
    spec = copy.deepcopy(spec)
    values = {"edge": {}, "limits": {}}

    def hide(holder, key, group):
        name = f"v{sum(map(len, values.values()))}"
        values[group][name] = holder[key]
        holder[key] = "{{ " + f"{group}.{name}" + " }}"

    for gateway in spec["gateways"].values():
        for listener in gateway["listeners"].values():
            if rng.random() < 0.5:
                hide(listener, "port", "edge")
            if "hosts" in listener and rng.random() < 0.5:
                hide(listener["hosts"], rng.randrange(len(listener["hosts"])), "edge")
    for service in spec["services"].values():
        if "timeout" in service and rng.random() < 0.5:
            hide(service["timeout"], "request", "limits")
        if rng.random() < 0.5:
            port = service["endpoints"][0].rsplit(":", 1)[1]
            name = f"p{port}"
            values["edge"][name] = int(port)
            service["endpoints"][0] = "127.0.0.1:{{ " + f"edge.{name}" + " }}"
    for route in spec["routes"].values():
        if rng.random() < 0.3:
            hide(*((route["hosts"], 0) if "hosts" in route else (route, "host")), "edge")
        for rule in route["rules"]:
            if "timeout" in rule and rng.random() < 0.5:
                hide(rule["timeout"], "request", "limits")
            if "respond" in rule and rng.random() < 0.5:
                hide(rule["respond"], "status", "limits")
            if isinstance(rule.get("path"), str) and rng.random() < 0.3:
                hide(rule, "path", "edge")
            if isinstance(rule.get("to"), str) and rng.random() < 0.3:
                hide(rule, "to", "edge")
    spec["values"] = values
    return spec
