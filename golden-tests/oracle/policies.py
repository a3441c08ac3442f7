"""Findings about permissions, held against every caller, method and path of the space."""

from . import callers, meaning, paths, repair
from .report import Disagreement


class Permissions:
    """What the entries of a service have: sets of methods with paths, for each caller."""

    def __init__(self, mesh, service, space):
        self.mesh = mesh
        self.service = service
        self.space = space
        self.methods = sorted({method for method, _ in space.conditions})
        written = mesh.services[service]
        self.nodes = callers.known(mesh)
        self.allow = [self._entry(entry) for entry in written.get("allow") or []]
        self.deny = [self._entry(entry) for entry in written.get("deny") or []]

    def _entry(self, entry):
        """By caller, the operations of an entry."""
        pattern = paths.pattern(entry.get("path"))
        coming = [path for path in self.mesh.paths_at(self.service, self.space) if pattern.has(path)]
        operations = {(method, path) for method in entry.get("methods") or self.methods for path in coming}
        return {node: operations for node in self.nodes if "from" not in entry or callers.named(entry["from"], node)}

    def dead(self, kind, at, left_out=()):
        """Whether an entry admits or denies nothing that others do not settle."""
        entries = getattr(self, kind)
        others = [one for index, one in enumerate(entries) if index != at and index not in left_out]
        for node, operations in entries[at].items():
            left = set(operations)
            for one in others:
                left -= one.get(node, set())
            if kind == "allow":
                for one in self.deny:
                    left -= one.get(node, set())
            else:
                left &= set().union(*(one.get(node, set()) for one in self.allow))
            if left:
                return False
        return True


def compare(mesh, findings, space):
    """All disagreements about permissions."""
    for service in mesh.services:
        if mesh.has_sidecar(service) and mesh.mtls != "disabled":
            yield from _dead(Permissions(mesh, service, space), findings)
            if not findings.errors():
                yield from _idle_callers(mesh, service, findings)
    yield from _calls(mesh, findings, space)


def _dead(permissions, findings):
    for kind, code in (("allow", "dead-allow"), ("deny", "dead-deny")):
        entries = getattr(permissions, kind)
        said = [at for at in range(len(entries)) if findings.of(code, kind, f"{permissions.service}/{at}")]
        for at in range(len(entries)):
            name = f"{kind} {at} of {permissions.service}"
            if at in said and not permissions.dead(kind, at):
                yield Disagreement(code, f"{name} is said to be dead, and is not")
            if at not in said and permissions.dead(kind, at, said):
                yield Disagreement(code, f"{name} is dead, and nothing says so")


def _idle_callers(mesh, service, findings):
    """Callers that may call and never do."""
    forwarding = {
        (one.node, name.split("@")[0])
        for one in mesh.listeners
        for rules in one.table.values()
        for rule in rules
        for name in rule.backends
    }
    calling = {node for node in mesh.gateways if (node, service) in forwarding}
    calling |= {f"service/{name}" for name in mesh.services if service in mesh.calls(name)}
    for node in sorted({node for entry in mesh.services[service].get("allow") or [] for node in entry["from"]}):
        calls = any(callers.named([node], one) for one in calling)
        said = any(
            place[0] == "allow" and place[1].startswith(f"{service}/") and f"`{node}`" in line["message"]
            for place, line in findings.by_code.get("over-permissive", [])
        )
        if said and calls:
            yield Disagreement("over-permissive", f"{node} is said never to call {service}, and does")
        if not calls and not said:
            yield Disagreement("over-permissive", f"{node} may call {service} and never does; nothing says so")


def _calls(mesh, findings, space):
    """Rules and calls that the service called refuses, wholly or in part; a rule for several hosts on any of them."""
    found = {}
    for node, rule, mask in repair.forwarding(mesh, space):
        for name in rule.live:
            service = name.split("@")[0]
            if not mesh.has_sidecar(service) or mesh.mtls == "disabled":
                continue
            if (rule.written.get("rewrite") or {}).get("path", "").endswith("/**"):
                # What such a rewrite makes may come from paths that are longer than those of the space.
                continue
            verdict = repair.verdicts(mesh, space, node, service, rule, mask)
            found.setdefault((node, rule.id, service), (rule, []))[1].append(verdict)
    for (node, _, service), (rule, verdicts) in found.items():
        said = _said(findings, mesh, node, rule, service)
        refused = next((refused for _, refused in verdicts if refused), None)
        what = f"{rule.id} of {node} to {service}: {refused and 'refused ' + str(refused)}"
        if any(refused and not admitted for admitted, refused in verdicts) and "error" not in said:
            yield Disagreement("call-not-allowed", f"nothing of {what} is admitted, said: {sorted(said)}")
        elif refused and not said and (rule.methods or node.startswith("gateway/")):
            # A call without operations declares none, so it is not said to ask for what is refused.
            yield Disagreement("call-not-allowed", f"a part of {what}, and nothing says so")
        elif not refused and said and "path" not in (rule.written.get("rewrite") or {}):
            # A rewrite shortens paths; those of the space are too short to know what all of them become.
            yield Disagreement("call-not-allowed", f"all of {what} is admitted, said: {sorted(said)}")


def _said(findings, mesh, node, rule, service):
    """The severities of what is said about a rule or call to a service."""
    is_known = any(callers.named(entry["from"], node) for entry in mesh.services[service].get("allow") or [])
    about = f"service `{service}`"
    operation = ""
    if node.startswith("gateway/"):
        place = ("rule", rule.id)
    else:
        place = ("call", f"{node.split('/')[1]}/{service}")
        # Of a caller that nothing names one operation is reported for all.
        operation = f"`{rule.methods[0]} {rule.written['path']}`" if rule.methods and is_known else ""
    return {
        line["severity"]
        for code in ("call-not-allowed", "rewrite-meets-policy")
        for found, line in findings.by_code.get(code, [])
        if found == place and about in line["message"] and operation in line["message"]
    }


def relation(mesh, space, told):
    """`weft calls`: which calls are possible, of those that somebody declares or allows."""
    truth = {}
    for node, rule, mask in repair.forwarding(mesh, space):
        for name in rule.live:
            service = name.split("@")[0]
            if mesh.has_sidecar(service) and mesh.mtls != "disabled":
                admitted, _ = repair.verdicts(mesh, space, node, service, rule, mask)
            else:
                admitted = 1
            truth[node, service] = truth.get((node, service), False) or bool(admitted)
    for service, written in mesh.services.items():
        for kind in {one for entry in written.get("allow") or [] for one in entry["from"] if one in callers.KINDS}:
            truth[kind, service] = mesh.mtls == "disabled" or _admits_kind(mesh, space, service, kind)
    for entry in told:
        pair = (entry["from"], entry["to"].split("/")[1])
        if pair in truth and truth[pair] != entry["isPossible"]:
            yield Disagreement("calls", f"{pair} is possible: {truth[pair]}, said {entry['isPossible']}")
    missing = {pair for pair, possible in truth.items() if possible}
    missing -= {(entry["from"], entry["to"].split("/")[1]) for entry in told}
    for pair in sorted(missing):
        yield Disagreement("calls", f"{pair} is possible and is not listed")


def _admits_kind(mesh, space, service, kind):
    """Whether all of a kind may send some request: an entry names all of them, and none of `deny` does."""
    written = mesh.services[service]

    def has(entries, method, path):
        return any(
            ("from" not in entry or kind in entry["from"] or "mesh" in entry["from"])
            and (not entry.get("methods") or method in entry["methods"])
            and paths.pattern(entry.get("path")).has(path)
            for entry in entries or []
        )

    operations = {(method, path) for method, _ in space.conditions for path in mesh.paths_at(service, space)}
    return any(has(written.get("allow"), *one) and not has(written.get("deny"), *one) for one in operations)
