"""A generated spec as files, with the lines on which its parts stand."""

import json


class Written:
    """The text of a file, and what its lines hold."""

    def __init__(self):
        self.lines = []
        self.places = {}

    def add(self, text, place=None):
        """A line; `place` is what a finding on it is about."""
        self.lines.append(text)
        if place is not None:
            self.places[len(self.lines)] = place

    def text(self):
        """The whole file."""
        return "\n".join(self.lines) + "\n"


def flow(value):
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False)


def document(spec):
    """One file with all of a spec."""
    out = Written()
    out.add("weft: v1")
    out.add(f"mesh: {flow(spec['mesh'])}")
    out.add("gateways:")
    for name, gateway in spec["gateways"].items():
        out.add(f"  {name}:")
        out.add("    listeners:")
        for own, listener in gateway["listeners"].items():
            out.add(f"      {own}: {flow(listener)}", ("listener", f"{name}/{own}"))
    if spec.get("certificates"):
        out.add(f"certificates: {flow(spec['certificates'])}")
    _services(out, spec["services"])
    if spec["routes"]:
        out.add("routes:")
    for name, route in spec["routes"].items():
        out.add(f"  {name}:", ("route", name))
        out.add(f"    on: {route['on']}", ("route", name))
        out.add(f"    host: {flow(route['host'])}", ("route", name))
        out.add("    rules:", ("route", name))
        for index, rule in enumerate(route["rules"]):
            out.add(f"      - {flow(rule)}", ("rule", f"{name}/{rule.get('name', index)}"))
    for part in ("assert", "tests", "suppressions"):
        if spec.get(part):
            out.add(f"{part}:")
            for entry in spec[part]:
                out.add(f"  - {flow(entry)}", (part, entry.get("name")))
    return out


def _services(out, services):
    if services:
        out.add("services:")
    for name, service in services.items():
        out.add(f"  {name}:", ("service", name))
        for key, value in service.items():
            if key in ("allow", "deny") and value:
                out.add(f"    {key}:")
                for index, entry in enumerate(value):
                    out.add(f"      - {flow(entry)}", (key, f"{name}/{index}"))
            elif key == "calls" and value:
                out.add("    calls:")
                for callee, call in value.items():
                    out.add(f"      {callee}: {flow(call)}", ("call", f"{name}/{callee}"))
            else:
                out.add(f"    {key}: {flow(value)}", ("service", name))


def write(spec, folder):
    """Writes the spec below the folder and gives what its lines hold."""
    folder.mkdir(parents=True, exist_ok=True)
    out = document(spec)
    (folder / "spec.yaml").write_text(out.text())
    values = spec.get("values")
    if values:
        (folder / "values.yaml").write_text(json.dumps(values) + "\n")
    return out.places
