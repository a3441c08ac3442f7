"""A generated spec as files, with the lines on which its parts stand."""

import json


class Written:
    """The text of a file, and what its lines hold."""

    def __init__(self, name, places):
        self.name = name
        self.places = places
        self.lines = ["weft: v1"]

    def add(self, text, place=None):
        """A line; `place` is what a finding on it is about."""
        self.lines.append(text)
        if place is not None:
            self.places[self.name, len(self.lines)] = place

    def save(self, folder):
        """Writes the file if it says anything."""
        if 1 < len(self.lines):
            (folder / self.name).write_text("\n".join(self.lines) + "\n")


def flow(value):
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False)


def _mesh(out, spec):
    out.add(f"mesh: {flow(spec['mesh'])}", ("mesh", "mesh"))
    out.add("gateways:")
    for name, gateway in spec["gateways"].items():
        out.add(f"  {name}:")
        out.add("    listeners:")
        for own, listener in gateway["listeners"].items():
            out.add(f"      {own}: {flow(listener)}", ("listener", f"{name}/{own}"))
    if spec.get("certificates"):
        out.add(f"certificates: {flow(spec['certificates'])}")
    for part in ("assert", "tests", "suppressions"):
        if spec.get(part):
            out.add(f"{part}:")
            for entry in spec[part]:
                out.add(f"  - {flow(entry)}", (part, entry.get("name")))


def _routes(out, routes):
    if routes:
        out.add("routes:")
    for name, route in routes.items():
        out.add(f"  {name}:", ("route", name))
        for key in ("on", "listener", "host", "hosts"):
            if key in route:
                out.add(f"    {key}: {flow(route[key])}", ("route", name))
        if "team" in route:
            out.add(f"    team: {route['team']}", ("route", name))
        out.add("    rules:", ("route", name))
        for index, rule in enumerate(route["rules"]):
            out.add(f"      - {flow(rule)}", ("rule", f"{name}/{rule.get('name', index)}"))


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
    """Writes the spec below the folder; gives what its lines hold, by file and line."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {}
    for name, part, say in (
        ("mesh.yaml", spec, _mesh),
        ("services.yaml", spec["services"], _services),
        ("routes.yaml", spec["routes"], _routes),
    ):
        out = Written(name, places)
        say(out, part)
        out.save(folder)
    if spec.get("values"):
        (folder / "values.yaml").write_text(json.dumps(spec["values"]) + "\n")
    return places
